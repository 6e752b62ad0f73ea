// Scrubs: every copy in a store is read and compared with what it must be.
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "service/placement_service.h"

namespace visor::service {
namespace {

constexpr std::uint32_t kPage = 100;
// What a restart has to read again at most, about.
constexpr std::uint64_t kSaveAfter = std::uint64_t{1} << 30;

// Whether it is the store that failed, not the bytes in it.
bool of_the_store(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::timeout ||
         error.code == Code::rate_limited || error.code == Code::cancelled ||
         error.code == Code::forbidden || error.code == Code::unauthenticated;
}

}  // namespace

async::Task<Result<void>> PlacementService::scrub(Placement& placement, Live& live) {
  std::uint64_t saved_at = 0;
  for (;;) {
    catalogue::Query query;
    query.collection = kCopies;
    query.filters = {{"store", placement.store}};
    query.sort = catalogue::kNaturalOrder;
    query.limit = kPage;
    if (placement.place != 0) query.after = catalogue::Query::Position{{}, {}, placement.place};
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      if (live.cancelled || stopping_) co_return fail(Code::cancelled, "it was cancelled");
      auto copy = decode_copy(record);
      if (!copy) co_return pass(copy);
      const Copy& looked_at = *copy;
      Result<void> scrubbed;
      if (!looked_at.referred) scrubbed = co_await scrub_copy(placement, looked_at, live);
      if (!scrubbed) co_return scrubbed;
      placement.place = record.place;
      if (live.done - saved_at < kSaveAfter) continue;
      saved_at = live.done;
      Result<void> saved = co_await recorded_.save(placement);
      if (!saved) co_return saved;
    }
    placement.done = live.done;
    const bool last = !page->next;
    if (last) placement.state = Placement::State::done;
    Result<void> saved = co_await recorded_.save(placement);
    if (!saved || last) co_return saved;
  }
}

async::Task<Result<void>> PlacementService::scrub_copy(Placement& placement, const Copy& copy,
                                                       Live& live) {
  Result<catalogue::Record> record = co_await on_.catalogue.get(kBlobs, copy.blob);
  if (!record) {
    // Removed since the page was read.
    if (record.error().code == Code::not_found) co_return Result<void>{};
    co_return pass(record);
  }
  auto blob = decode_blob(*record);
  if (!blob) co_return pass(blob);
  const Blob& known = *blob;
  Result<std::optional<Error>> damage = co_await examine(copy, known, live);
  if (!damage) co_return pass(damage);
  ++placement.checked;
  if (!*damage) co_return Result<void>{};
  ++placement.damaged;
  const Error& found = **damage;
  co_return co_await quarantine(copy, found);
}

async::Task<Result<std::optional<Error>>> PlacementService::examine(const Copy& copy,
                                                                    const Blob& blob, Live& live) {
  const Wanted wanted{blob.image, blob.size.value_or(0), {}};
  Result<std::unique_ptr<async::ByteSource>> source = co_await copies_.open(copy, wanted);
  Result<void> compared;
  if (!source) {
    compared = pass(source);
  } else {
    async::ByteSource& stream = **source;
    compared = co_await read_and_compare(stream, blob, live);
  }
  if (compared) co_return std::nullopt;
  if (of_the_store(compared.error())) co_return pass(compared);
  co_return std::optional<Error>(std::move(compared.error()));
}

async::Task<Result<void>> PlacementService::read_and_compare(async::ByteSource& source,
                                                             const Blob& blob, Live& live) {
  const auto algorithm = strongest(blob.digests);
  std::optional<Digester> digester;
  if (algorithm) digester.emplace(*algorithm);
  const async::Buffer buffer = on_.slices.lease();
  const std::span<std::byte> slice = buffer.bytes();
  std::uint64_t size = 0;
  for (;;) {
    if (live.cancelled || stopping_) co_return fail(Code::cancelled, "it was cancelled");
    Result<std::size_t> count = co_await source.read(slice);
    if (!count) co_return pass(count);
    if (*count == 0) break;
    size += *count;
    live.done += *count;
    if (digester) digester->update(slice.first(*count));
  }
  if (blob.size && size != *blob.size) {
    co_return fail(Code::corrupt, "the copy does not have the size that it must have");
  }
  if (digester && digester->finish_hex() != blob.digests.at(*algorithm)) {
    co_return fail(Code::corrupt, "the copy does not have the digest that it must have");
  }
  co_return Result<void>{};
}

// From the same batch on it is not read any more and, if there is a whole one, waits to be healed.
async::Task<Result<void>> PlacementService::quarantine(const Copy& copy, const Error& damage) {
  Placement healing;
  healing.id = random_uuid();
  healing.kind = Placement::Kind::heal;
  healing.blob = copy.blob;
  healing.copy = copy.id;
  healing.store = copy.store;
  healing.created = healing.updated = on_.clock.now();
  Result<Standing> standing = co_await stand(healing);
  if (!standing) {
    if (standing.error().code == Code::not_found) co_return Result<void>{};
    co_return pass(standing);
  }
  healing.image = standing->blob.image;
  healing.size = standing->blob.size.value_or(0);
  Copy* current = standing->copy_with(copy.id);
  // Moved, healed or dropped meanwhile: what was read is not what is there now.
  if (current == nullptr || current->key != copy.key) co_return Result<void>{};
  const bool whole_one = standing->whole_copy_besides(current) != nullptr;
  Result<void> unasked = co_await check_unasked(healing);
  catalogue::Batch batch;
  if (!current->damaged) {
    current->damaged = true;
    batch.puts.push_back({encode(*current), current->revision});
    batch.puts.push_back({encode(standing->blob), standing->blob_record.revision});
  }
  if (whole_one && unasked) batch.puts.push_back(put_of(healing));
  if (batch.empty()) co_return Result<void>{};
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (!applied) {
    if (applied.error().code == Code::precondition) co_return Result<void>{};
    co_return applied;
  }
  due_ = true;
  log::failure(log::Level::error,
               whole_one ? "a copy is damaged and will be healed from another one"
                         : "a copy is damaged and there is no whole one to heal it from",
               damage, {{"image", standing->blob.image}, {"store", copy.store}, {"key", copy.key}});
  if (on_.audit != nullptr) {
    audit::Event event = audit::own_event("copy.quarantine", "store=" + copy.store);
    event.outcome = audit::Outcome::done;
    event.image = standing->blob.image;
    [[maybe_unused]] const auto told = on_.audit->append(event);
  }
  co_return Result<void>{};
}

}  // namespace visor::service
