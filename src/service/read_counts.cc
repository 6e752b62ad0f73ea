#include "service/read_counts.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/records.h"

namespace visor::service {
namespace {
constexpr std::size_t kBatch = 500;
}  // namespace

ReadCounts::ReadCounts(catalogue::Client& catalogue, std::size_t cache_bytes)
    : catalogue_(catalogue),
      cache_(catalogue, {.collection = kReads,
                         .decode = decode_reads,
                         .bytes = [](const image::Reads& reads) { return sizeof reads; },
                         .most_bytes = cache_bytes,
                         .absent = image::Reads{}}) {}

void ReadCounts::count(const std::string& image, Time now) {
  const std::lock_guard lock(mutex_);
  image::Reads& reads = pending_[image];
  ++reads.count;
  reads.last = now;
}

async::Task<Result<void>> ReadCounts::forget(std::string image) {
  {
    const std::lock_guard lock(mutex_);
    pending_.erase(image);
  }
  co_return co_await erase(std::move(image));
}

// A removal and a `write` that run at the same time don't see each other's change coming, so both
// look again behind their own: whoever is second takes the record away.
async::Task<Result<void>> ReadCounts::erase(std::string image) {
  Result<catalogue::Record> record = co_await stored(image);
  if (!record) co_return pass(record);
  if (record->revision == 0) co_return Result<void>{};
  catalogue::Batch batch;
  batch.removes.push_back({kReads, std::move(image), record->revision});
  Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
  if (!applied && applied.error().code == Code::precondition) co_return Result<void>{};
  co_return applied;
}

async::Task<Result<catalogue::Record>> ReadCounts::stored(std::string image) {
  Result<catalogue::Record> record = co_await catalogue_.get(kReads, std::move(image));
  if (!record && record.error().code == Code::not_found) co_return catalogue::Record{};
  co_return record;
}

async::Task<Result<image::Reads>> ReadCounts::of(std::string image) {
  Result<std::shared_ptr<const image::Reads>> stored = co_await cache_.get(image);
  if (!stored) co_return pass(stored);
  co_return complete(**stored, image);
}

std::optional<Result<image::Reads>> ReadCounts::of_at_once(const std::string& image) {
  auto stored = cache_.get_at_once(image);
  if (!stored) return std::nullopt;
  if (!stored->value) return pass(stored->value);
  return complete(**stored->value, image);
}

image::Reads ReadCounts::complete(image::Reads stored, const std::string& image) {
  const std::lock_guard lock(mutex_);
  if (pending_.empty()) return stored;
  if (const auto found = pending_.find(image); found != pending_.end()) {
    stored.count += found->second.count;
    stored.last = found->second.last;
  }
  return stored;
}

async::Task<Result<void>> ReadCounts::write() {
  std::map<std::string, image::Reads> pending;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
  }
  Result<void> outcome;
  while (!pending.empty()) {
    std::map<std::string, image::Reads> part;
    while (!pending.empty() && part.size() < kBatch) part.insert(pending.extract(pending.begin()));
    const std::map<std::string, image::Reads>& counts = part;
    Result<void> written = co_await write_part(counts);
    if (written) continue;
    const std::lock_guard lock(mutex_);
    for (const auto& [image, gathered] : part) {
      image::Reads& reads = pending_[image];
      reads.count += gathered.count;
      reads.last = std::max(reads.last, gathered.last);
    }
    outcome = pass(written);
  }
  co_return outcome;
}

async::Task<Result<void>> ReadCounts::write_part(const std::map<std::string, image::Reads>& part) {
  catalogue::Batch batch;
  for (const auto& [image, gathered] : part) {
    Result<catalogue::Record> image_record = co_await catalogue_.get(kImages, image);
    if (!image_record && image_record.error().code == Code::not_found) continue;
    if (!image_record) co_return pass(image_record);
    Result<catalogue::Record> record = co_await stored(image);
    if (!record) co_return pass(record);
    image::Reads total = gathered;
    if (record->revision > 0) {
      if (auto before = decode_reads(*record)) total.count += before->count;
    }
    batch.puts.push_back({encode(image, total), record->revision});
  }
  if (batch.empty()) co_return Result<void>{};
  Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
  if (!applied) co_return applied;
  for (const auto& [image, gathered] : part) {
    Result<catalogue::Record> image_record = co_await catalogue_.get(kImages, image);
    if (image_record || image_record.error().code != Code::not_found) continue;
    Result<void> erased = co_await erase(image);
    if (!erased) {
      log::failure(log::Level::warning, "the read count of a removed image stays behind",
                   erased.error(), {{"image", image}});
    }
  }
  co_return applied;
}

}  // namespace visor::service
