#include "service/rebuild.h"

#include <utility>

#include "auth/accounts.h"
#include "service/manifest_writer.h"
#include "service/placement.h"
#include "service/record_document.h"
#include "service/store_mark.h"

namespace visor::service {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr std::size_t kMostProblems = 1000;

}  // namespace

std::string_view to_string(RebuildProblem::Kind kind) {
  switch (kind) {
    case RebuildProblem::Kind::damaged_manifest:
      return "damaged_manifest";
    case RebuildProblem::Kind::missing_data:
      return "missing_data";
    case RebuildProblem::Kind::damaged_data:
      return "damaged_data";
    case RebuildProblem::Kind::unknown_data:
      return "unknown_data";
    case RebuildProblem::Kind::other_data:
      return "other_data";
  }
  return "unknown";
}

Rebuild::Rebuild(RebuildFoundation foundation, RebuildOptions options)
    : on_(std::move(foundation)),
      options_(std::move(options)),
      copies_(on_.catalogue, on_.stores),
      digest_queue_(on_.digest_pool) {}

async::Task<Result<RebuildReport>> Rebuild::run() {
  if (auto sound = check_store(); !sound) co_return pass(sound);
  Result<void> begun = co_await begin();
  if (!begun) co_return pass(begun);
  Result<void> walked = co_await walk();
  if (!walked) co_return pass(walked);
  Result<void> finished = co_await finish();
  if (!finished) co_return pass(finished);
  co_return std::move(report_);
}

Result<void> Rebuild::check_store() {
  store_ = on_.stores.named(options_.store);
  std::string names;
  for (const std::string& name : on_.stores.names()) {
    const store::Capability can = on_.stores.named(name)->capability();
    if (can.writable && can.listable) names += (names.empty() ? "" : ", ") + name;
  }
  if (store_ == nullptr) {
    return fail(Code::invalid,
                "there is no store '" + options_.store +
                    "' in the configuration; a catalogue can be made from: " + names);
  }
  const store::Capability can = store_->capability();
  if (can.writable && can.listable) return {};
  return fail(Code::invalid, "the store '" + options_.store +
                                 "' only refers to data that lies elsewhere and has no manifests; "
                                 "a catalogue can be made from: " +
                                 names);
}

async::Task<Result<void>> Rebuild::begin() {
  Result<catalogue::Record> record = co_await on_.catalogue.get(kRebuilds, options_.store);
  if (!record && record.error().code != Code::not_found) co_return pass(record);
  if (record) {
    auto value = parse_document(*record);
    if (!value) co_return pass(value);
    after_ = text_of(*value, "after");
    revision_ = record->revision;
    report_.resumed = true;
  }
  Result<bool> images = co_await has_images();
  if (!images) co_return pass(images);
  if (*images && !report_.resumed && !options_.merge) {
    co_return fail(Code::conflict,
                   "the catalogue has images already. To add what the store has and the catalogue "
                   "lacks, say --merge: images that are there stay as they are. To begin with an "
                   "empty catalogue, move the old one away, or name another data folder");
  }
  StoreMarks marks(on_.catalogue, on_.stores, options_.store);
  Result<void> taken_over = co_await marks.take_over();
  if (!taken_over) co_return taken_over;
  if (*images) {
    // Then a blob without a manifest is one that the catalogue does not know either.
    ManifestWriter manifests(on_.catalogue, on_.stores, options_.store);
    do {
      Result<void> written = co_await manifests.run();
      if (!written) co_return written;
    } while (manifests.walking());
  }
  Result<void> found = co_await find_unfinished();
  if (!found) co_return found;
  co_return co_await save(after_);
}

async::Task<Result<bool>> Rebuild::has_images() {
  for (const char* collection : {kImages, kDeletedImages}) {
    catalogue::Query query;
    query.collection = collection;
    query.limit = 1;
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    if (!page->records.empty()) co_return true;
  }
  co_return false;
}

// What an unfinished piece of work is about to remove must not become an image.
async::Task<Result<void>> Rebuild::find_unfinished() {
  for (const char* collection : {kRemovals, kUploads, kPlacements}) {
    Result<void> found = co_await find_unfinished_in(collection);
    if (!found) co_return found;
  }
  co_return Result<void>{};
}

async::Task<Result<void>> Rebuild::find_unfinished_in(const char* collection) {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query = page_of(collection, after);
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      const auto value = parse_document(record);
      if (!value || text_of(*value, "store") != options_.store) continue;
      if (std::string key = text_of(*value, "key"); !key.empty()) {
        unfinished_.insert(std::move(key));
      }
    }
    after = page->next;
  } while (after);
  co_return Result<void>{};
}

// A blob's manifest lies right behind it, so both are seen in one go.
async::Task<Result<void>> Rebuild::walk() {
  std::optional<std::string> after = after_;
  while (after) {
    Result<store::Listing> page = co_await store_->list(std::move(*after), kPage);
    if (!page) co_return pass(page);
    for (std::string& key : page->keys) {
      Result<void> looked = co_await look_at(std::move(key));
      if (!looked) co_return looked;
    }
    after = std::move(page->next);
    // The pending one is looked at again: it is known by then, or it is not.
    if (!after || !pending_.empty()) continue;
    std::string done = *after;
    Result<void> saved = co_await save(std::move(done));
    if (!saved) co_return saved;
  }
  if (pending_.empty()) co_return Result<void>{};
  const std::string last = std::exchange(pending_, {});
  co_return co_await look_at_blob(last);
}

async::Task<Result<void>> Rebuild::look_at(std::string key) {
  const auto described = described_key(key);
  const std::string before = std::exchange(pending_, {});
  if (!before.empty()) {
    Result<void> looked = co_await look_at_blob(before);
    if (!looked) co_return looked;
  }
  if (described && *described != before) co_return co_await look_at_manifest_alone(*described);
  if (!described && key != kManifestMark) pending_ = std::move(key);
  co_return Result<void>{};
}

async::Task<Result<void>> Rebuild::look_at_blob(const std::string& key) {
  if (unfinished_.contains(key)) co_return Result<void>{};
  ++report_.looked;
  Result<store::BlobStatus> status = co_await store_->stat(key);
  if (!status) {
    if (status.error().code != Code::not_found) co_return pass(status);
    tell({RebuildProblem::Kind::missing_data, key, {}, "the store lists it and does not have it"});
    co_return Result<void>{};
  }
  const std::uint64_t size = status->size.value_or(0);
  Result<std::optional<std::string>> text = co_await read_text(key);
  if (!text) co_return pass(text);
  std::optional<Manifest> manifest;
  if (*text) {
    auto read = read_manifest(key, **text);
    if (!read) tell({RebuildProblem::Kind::damaged_manifest, key, {}, read.error().message});
    if (read) manifest = std::move(*read);
  }
  Result<void> done;
  if (manifest) {
    const Manifest& known = *manifest;
    done = co_await bring_back(known, size);
  } else if (!options_.adopt.empty()) {
    done = co_await adopt(key, size);
  } else if (!*text) {
    tell({RebuildProblem::Kind::unknown_data,
          key,
          {},
          "there is no manifest of these " + std::to_string(size) +
              " bytes: they were stored moments before the catalogue was lost, or are left over"});
  }
  if (done && on_progress && !on_progress(report_)) {
    co_return fail(Code::cancelled, "the rebuild was broken off; run it again to go on");
  }
  co_return done;
}

async::Task<Result<void>> Rebuild::look_at_manifest_alone(const std::string& key) {
  Result<store::BlobStatus> status = co_await store_->stat(key);
  // Its blob stands elsewhere in the order of keys, and finds it by itself.
  if (status) co_return Result<void>{};
  if (status.error().code != Code::not_found) co_return pass(status);
  if (unfinished_.contains(key)) co_return Result<void>{};
  ++report_.looked;
  Result<std::optional<std::string>> text = co_await read_text(key);
  if (!text) co_return pass(text);
  RebuildProblem problem{RebuildProblem::Kind::missing_data, key, {}, "there is no data"};
  if (const auto manifest = read_manifest(key, text->value_or("")); manifest) {
    problem.image = manifest->image.id;
    problem.reason = "the data of the image '" + manifest->image.name + "' of " +
                     manifest->image.owner + " is not in this store any more";
  }
  tell(std::move(problem));
  co_return Result<void>{};
}

async::Task<Result<void>> Rebuild::save(std::string after) {
  document::Value value = document::Value::object();
  set_text(value, "after", after);
  catalogue::Batch batch;
  batch.puts.push_back({wrap(kRebuilds, options_.store, value), revision_});
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (applied) ++revision_;
  co_return applied;
}

async::Task<Result<void>> Rebuild::finish() {
  for (auto& [key, owner] : report_.owners) {
    Result<bool> account = co_await has(auth::kAccountCollection, key);
    if (!account) co_return pass(account);
    owner.account = *account;
  }
  catalogue::Batch batch;
  batch.removes.push_back({kRebuilds, options_.store, revision_});
  co_return co_await on_.catalogue.apply_admitted(std::move(batch));
}

void Rebuild::tell(RebuildProblem problem) {
  ++report_.problem_count;
  if (on_problem) on_problem(problem);
  if (report_.problems.size() < kMostProblems) report_.problems.push_back(std::move(problem));
}

}  // namespace visor::service
