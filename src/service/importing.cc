// How imports are taken up, carried out and concluded.
#include <algorithm>
#include <exception>
#include <memory>
#include <span>
#include <utility>

#include "base/log.h"
#include "service/import_service.h"

namespace visor::service {
namespace {

using Kind = Import::Kind;
using State = Import::State;

constexpr int kAttempts = 8;
// How long one can be looked up that is over.
constexpr auto kKept = std::chrono::hours(48);

std::unexpected<Error> none_took_it() {
  return fail(Code::unavailable, "none of the stores took the data");
}

}  // namespace

async::Task<Result<void>> ImportService::recover() { co_return co_await recorded_.put_back(); }

async::Task<void> ImportService::run() {
  due_ = false;
  working_ = true;
  while (!stopping_) {
    Result<std::optional<Import>> next = co_await recorded_.claim();
    if (!next) {
      log::failure(log::Level::warning, "imports wait until they can be looked up", next.error());
      due_ = true;
      break;
    }
    if (!*next) break;
    Import& import = **next;
    Result<void> outcome = co_await carry_out(import);
    co_await conclude(std::move(import), std::move(outcome));
  }
  working_ = false;
}

async::Task<Result<void>> ImportService::carry_out(const Import& import) {
  try {
    Result<image::Image> image = co_await load_image(import.image);
    if (!image) co_return pass(image);
    // An import that begins again finds what it did before.
    if (image->state != image::DataState::present || import.kind == Kind::referred) {
      Result<void> gathered = co_await gather(import, std::move(*image));
      if (!gathered) co_return gathered;
    }
    Result<void> spread_out = co_await spread(import);
    if (!spread_out || import.kind != Kind::staged) co_return spread_out;
    co_return co_await leave_staging(import);
  } catch (const std::exception& defect) {
    co_return fail(Code::internal, "the server failed while it did this", defect.what());
  }
}

async::Task<Result<void>> ImportService::gather(const Import& import, image::Image image) {
  switch (import.kind) {
    case Kind::staged: {
      Rule adopt = [this](image::Image& staged) {
        return image::adopt_staged(staged, on_.clock.now());
      };
      co_return co_await alter(import.image, std::move(adopt));
    }
    case Kind::fetched:
    case Kind::brought:
      co_return co_await fetch_somewhere(import, image);
    case Kind::referred: {
      if (image.state != image::DataState::present) {
        Result<void> referred = co_await refer(import);
        if (!referred) co_return referred;
      }
      Result<image::Image> now = co_await load_image(import.image);
      if (!now) co_return pass(now);
      co_return co_await compute_digests(import, *now);
    }
    case Kind::copied:
      break;
  }
  co_return fail(Code::conflict, "the image has lost its data meanwhile");
}

// The first store that takes the data gets it from the location, the others from that one.
async::Task<Result<void>> ImportService::fetch_somewhere(const Import& import,
                                                         const image::Image& image) {
  Result<void> last = none_took_it();
  for (const std::string& store : import.stores) {
    if (!image.awaited_stores.contains(store)) continue;
    last = co_await fetch(import, store);
    if (last) {
      Rule arrived = [store](image::Image& fetched) -> Result<void> {
        fetched.awaited_stores.erase(store);
        return {};
      };
      co_return co_await alter(import.image, std::move(arrived));
    }
    if (import.whole) co_return last;
    Rule failed = [store](image::Image& waiting) -> Result<void> {
      waiting.awaited_stores.erase(store);
      waiting.failed_stores.insert(store);
      return {};
    };
    Result<void> noted = co_await alter(import.image, std::move(failed));
    if (!noted) co_return noted;
  }
  co_return last;
}

async::Task<Result<Brought>> ImportService::open(const Import& import) {
  if (import.kind == Kind::brought) {
    const Bring bring = kept(import.id);
    if (bring) co_return co_await bring();
    co_return fail(Code::unavailable,
                   "the server was started anew before the data was here; ask for it once more");
  }
  const auto located = on_.stores.for_location(import.location);
  if (located.store == nullptr) {
    co_return fail(Code::invalid, "no store here takes a location of this kind");
  }
  Result<store::BlobStatus> status = co_await located.store->stat(import.location);
  if (!status) co_return pass(status);
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await located.store->open(import.location, store::ByteRange{}, status->version);
  if (!source) co_return pass(source);
  Brought brought;
  brought.data = std::move(*source);
  co_return brought;
}

async::Task<Result<void>> ImportService::fetch(const Import& import, std::string store) {
  Result<Brought> brought = co_await open(import);
  if (!brought) co_return pass(brought);
  Data data = Data::from(*brought->data);
  data.import = import.id;
  data.strict = true;
  data.promised = brought->size;
  data.container = brought->container;
  data.format = brought->format;
  image::Edits edits{{.name = "store", .value = std::move(store)}};
  const Principal owner = Principal::of(import.owner);
  Result<image::Image> taken =
      co_await images_.change(owner, import.image, std::move(edits), std::move(data), std::nullopt);
  if (!taken) co_return pass(taken);
  for (const auto& [algorithm, digest] : brought->digests) {
    const auto computed = taken->digests.find(algorithm);
    if (computed == taken->digests.end() || computed->second == digest) continue;
    co_return fail(Code::corrupt, "the data does not have the digest that its source tells");
  }
  if (brought->edits.empty()) co_return Result<void>{};
  // Not before: what fails leaves the image as it was.
  Result<image::Image> described = co_await images_.change(
      owner, import.image, std::move(brought->edits), Data::none(), std::nullopt);
  if (!described) co_return pass(described);
  co_return Result<void>{};
}

async::Task<Result<void>> ImportService::refer(const Import& import) {
  Data data = Data::at(import.location);
  data.import = import.id;
  Principal owner = Principal::of(import.owner);
  owner.may_refer = true;
  Result<image::Image> referred = co_await images_.change(
      std::move(owner), import.image, image::Edits{}, std::move(data), std::nullopt);
  if (!referred) co_return pass(referred);
  co_return Result<void>{};
}

// Who says what the data must be wants to find that digest again.
std::vector<DigestAlgorithm> ImportService::digests_for(const Import& import) const {
  const auto named = parse_digest_algorithm(import.digest.substr(0, import.digest.find(':')));
  if (!named || *named == DigestAlgorithm::md5) return digests_;
  return {DigestAlgorithm::md5, *named};
}

async::Task<Result<void>> ImportService::compute_digests(const Import& import,
                                                         const image::Image& image) {
  Result<std::vector<Copy>> copies = co_await copies_.of(image.blob);
  if (!copies) co_return pass(copies);
  const Wanted wanted{image.id, image.size.value_or(0), {}};
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await copies_.open_any(copies->front(), wanted);
  if (!source) co_return pass(source);
  const std::vector<DigestAlgorithm> algorithms = digests_for(import);
  std::vector<Digester> digesters;
  for (const DigestAlgorithm algorithm : algorithms) digesters.emplace_back(algorithm);
  const async::Buffer slice = on_.slices.lease();
  const std::span<std::byte> into = slice.bytes();
  async::ByteSource& stream = **source;
  for (;;) {
    if (stopping_) co_return fail(Code::cancelled, "the server is stopping");
    Result<std::size_t> count = co_await stream.read(into);
    if (!count) co_return pass(count);
    if (*count == 0) break;
    for (Digester& digester : digesters) digester.update(into.first(*count));
  }
  Digests digests;
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    digests[algorithms[i]] = digesters[i].finish_hex();
  }
  const std::size_t colon = import.digest.find(':');
  if (colon != std::string::npos) {
    const auto algorithm = parse_digest_algorithm(import.digest.substr(0, colon));
    const auto found = algorithm ? digests.find(*algorithm) : digests.end();
    if (found == digests.end() || found->second != import.digest.substr(colon + 1)) {
      co_return fail(Code::corrupt,
                     "the data at the location does not have the digest that it "
                     "should have");
    }
  }
  Rule known = [digests](image::Image& referred) -> Result<void> {
    referred.digests = digests;
    return {};
  };
  co_return co_await alter(import.image, std::move(known));
}

async::Task<Result<void>> ImportService::spread(const Import& import) {
  bool any = import.kind == Kind::referred;
  Error last = none_took_it().error();
  for (const std::string& store : import.stores) {
    if (stopping_) co_return fail(Code::cancelled, "the server is stopping");
    Result<void> brought = co_await bring_to(import, store);
    any = any || brought.has_value();
    if (!brought) last = brought.error();
    if (!brought && (import.whole || brought.error().code == Code::cancelled)) co_return brought;
    const bool failed = !brought;
    Rule noted = [store, failed](image::Image& image) -> Result<void> {
      image.awaited_stores.erase(store);
      if (failed) image.failed_stores.insert(store);
      return {};
    };
    Result<void> altered = co_await alter(import.image, std::move(noted));
    if (!altered) co_return altered;
  }
  if (any) co_return Result<void>{};
  co_return std::unexpected(std::move(last));
}

async::Task<Result<void>> ImportService::bring_to(const Import& import, const std::string& store) {
  Result<image::Image> image = co_await load_image(import.image);
  if (!image) co_return pass(image);
  if (image->failed_stores.contains(store)) {
    co_return fail(Code::unavailable, "the store " + store + " did not take the data");
  }
  Result<std::set<std::string>> present = co_await stores_with(*image);
  if (!present) co_return pass(present);
  if (present->contains(store)) co_return Result<void>{};
  co_return co_await placements_.place(Placement::Kind::copy, std::move(*image), store);
}

// Staged data lay where it came in; it stays there only if it shall.
async::Task<Result<void>> ImportService::leave_staging(const Import& import) {
  Result<image::Image> image = co_await load_image(import.image);
  if (!image) co_return pass(image);
  Result<std::set<std::string>> present = co_await stores_with(*image);
  if (!present) co_return pass(present);
  for (const std::string& store : *present) {
    if (std::ranges::find(import.stores, store) != import.stores.end()) continue;
    Result<void> left = co_await placements_.place(Placement::Kind::evict, *image, store);
    if (!left) co_return left;
  }
  co_return Result<void>{};
}

async::Task<Result<void>> ImportService::alter(const std::string& image, Rule rule) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<image::Image> current = co_await load_image(image);
    if (!current) co_return pass(current);
    if (auto applied = rule(*current); !applied) co_return applied;
    catalogue::Batch batch;
    batch.puts.push_back(put_of(*current, current->revision));
    Result<void> changed = co_await on_.catalogue.apply_admitted(std::move(batch));
    if (changed || changed.error().code != Code::precondition) co_return changed;
  }
  co_return fail(Code::conflict, "the image is being changed by others at the same time");
}

async::Task<void> ImportService::conclude(Import import, Result<void> outcome) {
  // It begins again with the next start.
  if (!outcome && stopping_) co_return;
  forget(import.id);
  const bool failed = !outcome;
  import.state = failed ? State::failed : State::done;
  import.message = failed ? outcome.error().message : "";
  std::vector<Removal> removals;
  Result<void> concluded = fail(Code::precondition, "");
  for (int attempt = 0; attempt < kAttempts && !concluded; ++attempt) {
    if (concluded.error().code != Code::precondition) break;
    removals.clear();
    concluded = co_await conclude_once(import, outcome, removals);
  }
  if (!concluded) {
    log::failure(log::Level::error, "the end of an import could not be recorded", concluded.error(),
                 {{"import", import.id}, {"image", import.image}});
    co_return;
  }
  if (failed) {
    log::failure(log::Level::warning, "an import failed", outcome.error(),
                 {{"import", import.id}, {"image", import.image}});
  } else {
    log::info("image imported", {{"import", import.id}, {"image", import.image}});
  }
  for (Removal& removal : removals) {
    Result<void> removed = co_await removals_.finish(std::move(removal));
    if (removed) continue;
    log::failure(log::Level::warning, "what an import brought has to wait for its removal",
                 removed.error(), {{"image", import.image}});
  }
}

// An import that gathered and failed leaves an image without data, as it was before.
async::Task<Result<void>> ImportService::conclude_once(Import& import, const Result<void>& outcome,
                                                       std::vector<Removal>& removals) {
  const bool failed = !outcome;
  import.updated = on_.clock.now();
  catalogue::Batch batch;
  batch.puts.push_back(put_of(import));
  Result<image::Image> image = co_await load_image(import.image);
  if (!image && image.error().code != Code::not_found) co_return pass(image);
  if (image && image->import == import.id) {
    if (failed) {
      image->failed_stores.insert(image->awaited_stores.begin(), image->awaited_stores.end());
    }
    if (failed && image->importing == image::Importing::gathering) {
      Result<std::vector<Removal>> dropped = co_await copies_.add_removal(*image, batch);
      if (!dropped) co_return pass(dropped);
      removals = std::move(*dropped);
      const bool wrong = import.kind == Kind::referred && outcome.error().code == Code::corrupt;
      (wrong ? image::distrust : image::drop_data)(*image, import.updated);
    }
    image::end_import(*image);
    image->updated_at = import.updated;
    batch.puts.push_back(put_of(*image, image->revision));
  }
  co_return co_await on_.catalogue.apply_admitted(std::move(batch));
}

async::Task<Result<void>> ImportService::tidy() {
  std::vector<State> ended = {State::done, State::failed};
  co_return co_await recorded_.forget(std::move(ended), kKept);
}

}  // namespace visor::service
