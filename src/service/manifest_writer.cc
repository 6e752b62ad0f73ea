#include "service/manifest_writer.h"

#include <algorithm>
#include <utility>

#include "async/when_all.h"
#include "base/log.h"
#include "base/random.h"
#include "service/record_document.h"

namespace visor::service {
namespace {

using document::Value;

constexpr std::uint32_t kPage = 500;
// A walk over all blobs can take hours, and nobody waits for it: so many for each `run`, that is a
// second, are a quarter of one processor where files are written.
constexpr std::uint32_t kWalkPage = 250;
constexpr int kAtOnce = 4;
// What is no manifest's matter moves the place in the history too, but is not worth a change of the
// catalogue, which would be one more.
constexpr std::uint64_t kUnsaved = 1000;
constexpr unsigned kLongestPause = 60;

}  // namespace

ManifestWriter::ManifestWriter(catalogue::Client& catalogue, const store::StoreSet& stores,
                               std::string store)
    : catalogue_(catalogue),
      name_(std::move(store)),
      store_(*stores.named(name_)),
      marks_(catalogue, stores, name_),
      copies_(catalogue, stores),
      written_(metrics::Registry::process().counter(
          "visor_manifests_written_total", "Manifests written to a store.", {{"store", name_}})),
      failures_(metrics::Registry::process().counter(
          "visor_manifest_failures_total", "Runs that could not write the manifests of a store.",
          {{"store", name_}})),
      current_(metrics::Registry::process().gauge(
          "visor_manifests_current", "1 if a store has the manifests of all that was changed.",
          {{"store", name_}})) {}

bool ManifestWriter::due() {
  if (skip_ == 0) return true;
  --skip_;
  return false;
}

void ManifestWriter::set_under_way(bool under_way) {
  const std::lock_guard lock(mutex_);
  under_way_ = under_way;
  changed_.notify_all();
}

bool ManifestWriter::under_way() const {
  const std::lock_guard lock(mutex_);
  return under_way_;
}

void ManifestWriter::await_end(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return !under_way_; });
}

async::Task<Result<void>> ManifestWriter::run() {
  set_under_way(true);
  Result<void> done = co_await catch_up();
  set_under_way(false);
  if (stopping_) co_return Result<void>{};
  current_.set(done && !position_->walk ? 1 : 0);
  if (done) {
    if (failing_) log::info("the manifests of a store are written again", {{"store", name_}});
    failing_ = false;
    pause_ = skip_ = 0;
    co_return done;
  }
  failures_.add();
  pause_ = std::clamp(pause_ * 2, 1u, kLongestPause);
  skip_ = pause_;
  // What is known of it may be wrong by now: who failed at saving it does not know whether it did.
  position_.reset();
  if (!std::exchange(failing_, true)) {
    log::failure(log::Level::warning,
                 "the manifests of a store can't be written; it is tried again until they are",
                 done.error(), {{"store", name_}});
  }
  co_return done;
}

async::Task<Result<void>> ManifestWriter::catch_up() {
  if (!position_) {
    Result<void> loaded = co_await load();
    if (!loaded) co_return loaded;
  }
  bool more = true;
  while (more && !stopping_) {
    Result<bool> followed = co_await follow();
    if (!followed) co_return pass(followed);
    more = *followed;
  }
  if (stopping_ || !position_->walk) co_return Result<void>{};
  co_return co_await walk_on();
}

async::Task<Result<void>> ManifestWriter::load() {
  Position position;
  bool known = false;
  Result<catalogue::Record> record = co_await catalogue_.get(kManifests, name_);
  if (record) {
    position.revision = record->revision;
    const auto value = parse_document(*record);
    const auto since = value ? size_of(*value, "since") : std::nullopt;
    known = since.has_value();
    if (known) {
      position.since = *since;
      position.mark = text_of(*value, "mark");
      position.walk = size_of(*value, "walk");
    }
  } else if (record.error().code != Code::not_found) {
    co_return pass(record);
  }
  // Behind the end of the history: that is where it ends.
  Result<catalogue::Changes> end = co_await catalogue_.changes(INT64_MAX, 1);
  if (!end) co_return pass(end);
  began_at_ = std::max(began_at_, end->last);
  position_ = std::move(position);
  saved_ = position_->since;
  Result<std::optional<std::string>> walk = co_await marks_.walk();
  if (!walk) co_return pass(walk);
  if (known && *walk == position_->mark) co_return Result<void>{};
  co_return co_await begin_walk();
}

async::Task<Result<void>> ManifestWriter::look() {
  set_under_way(true);
  Result<std::optional<std::string>> walk = co_await marks_.walk();
  set_under_way(false);
  Result<void> looked;
  if (!walk) looked = pass(walk);
  const std::lock_guard lock(mutex_);
  const bool refused = !looked && looked.error().code == Code::conflict;
  owner_ = refused ? looked : Result<void>{};
  changed_.notify_all();
  co_return looked;
}

bool ManifestWriter::looked() const {
  const std::lock_guard lock(mutex_);
  return owner_.has_value();
}

Result<void> ManifestWriter::await_owner(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return owner_.has_value(); });
  return owner_.value_or(Result<void>{});
}

async::Task<Result<void>> ManifestWriter::begin_walk() {
  Result<catalogue::Changes> end = co_await catalogue_.changes(INT64_MAX, 1);
  if (!end) co_return pass(end);
  position_->since = end->last;
  position_->mark = random_uuid();
  position_->walk = 0;
  log::info("the manifests of all blobs of a store are written", {{"store", name_}});
  // Before the record: a crash in between leaves two that differ, and so another walk.
  std::string walk = position_->mark;
  Result<void> put = co_await marks_.put(std::move(walk));
  if (!put) co_return put;
  co_return co_await save();
}

async::Task<Result<bool>> ManifestWriter::follow() {
  Result<catalogue::Changes> found = co_await catalogue_.changes(position_->since, kPage);
  if (!found) co_return pass(found);
  if (found->gap) {
    Result<void> begun = co_await begin_walk();
    if (!begun) co_return pass(begun);
    co_return true;
  }
  const std::vector<catalogue::Change>& changes = found->changes;
  Result<Work> work = co_await work_in(changes);
  if (!work) co_return pass(work);
  std::vector<std::string>& blobs = work->blobs;
  const bool nothing = blobs.empty() && work->orphans.empty();
  Result<void> written = co_await write_all(std::move(blobs));
  if (!written) co_return pass(written);
  for (const std::string& orphan : work->orphans) {
    const std::string manifest = manifest_key(orphan);
    Result<void> removed = co_await store_.remove(manifest);
    if (!removed) co_return pass(removed);
  }
  if (stopping_) co_return false;
  position_->since = found->last;
  if (!nothing || position_->since - saved_ >= kUnsaved) {
    Result<void> saved = co_await save();
    if (!saved) co_return pass(saved);
  }
  co_return changes.size() == kPage;
}

async::Task<Result<ManifestWriter::Work>> ManifestWriter::work_in(
    const std::vector<catalogue::Change>& changes) {
  Work work;
  std::set<std::string> blobs;
  std::set<std::string> images;
  for (const catalogue::Change& change : changes) {
    if (change.removed) continue;
    if (change.collection == kBlobs) blobs.insert(change.id);
    if (change.collection == kImages || change.collection == kDeletedImages) {
      images.insert(change.id);
    }
    // Whoever removes a blob removes its manifest: but for one that a run which was cut off wrote
    // at that moment.
    if (change.collection == kRemovals && change.sequence <= began_at_ &&
        change.id.starts_with(name_ + "/")) {
      work.orphans.push_back(change.id.substr(name_.size() + 1));
    }
  }
  for (const std::string& id : images) {
    Blob of_image;
    of_image.image = id;
    Result<std::optional<Manifest>> described = co_await describe(of_image);
    if (!described) co_return pass(described);
    if (*described && !(*described)->image.blob.empty()) blobs.insert((*described)->image.blob);
  }
  work.blobs.assign(blobs.begin(), blobs.end());
  co_return work;
}

async::Task<Result<void>> ManifestWriter::walk_on() {
  catalogue::Query query;
  query.collection = kBlobs;
  query.sort = catalogue::kNaturalOrder;
  query.limit = kWalkPage;
  if (*position_->walk != 0) query.after = catalogue::Query::Position{{}, {}, *position_->walk};
  Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
  if (!page) co_return pass(page);
  std::vector<std::string> blobs;
  for (const auto& record : page->records) blobs.push_back(record.id);
  Result<void> written = co_await write_all(std::move(blobs));
  if (!written) co_return written;
  if (!page->next) {
    written = co_await sweep();
    if (!written) co_return written;
  }
  if (stopping_) co_return Result<void>{};
  if (page->next) {
    position_->walk = page->next->place;
  } else {
    position_->walk.reset();
  }
  co_return co_await save();
}

async::Task<Result<void>> ManifestWriter::write_all(std::vector<std::string> blobs) {
  std::size_t next = 0;
  std::vector<async::Task<Result<void>>> writers;
  for (int writer = 0; writer < kAtOnce; ++writer) writers.push_back(write_some(blobs, next));
  co_return co_await async::when_all(std::move(writers));
}

async::Task<Result<void>> ManifestWriter::write_some(const std::vector<std::string>& blobs,
                                                     std::size_t& next) {
  while (next < blobs.size() && !stopping_) {
    const std::string& blob = blobs[next++];
    Result<void> written = co_await write(blob);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

async::Task<Result<void>> ManifestWriter::write(std::string id) {
  Result<catalogue::Record> record = co_await catalogue_.get(kBlobs, id);
  if (!record) {
    if (record.error().code == Code::not_found) co_return Result<void>{};
    co_return pass(record);
  }
  const auto decoded = decode_blob(*record);
  if (!decoded) {
    tell_unreadable(*record, decoded.error());
    co_return Result<void>{};
  }
  const Blob& blob = *decoded;
  Result<std::vector<Copy>> copies = co_await copies_here(blob.id);
  if (!copies) co_return pass(copies);
  if (copies->empty()) co_return Result<void>{};
  Result<std::optional<Manifest>> described = co_await describe(blob);
  if (!described) co_return pass(described);
  // Without an image it is going; with another blob's, a later change says so.
  if (!*described) co_return Result<void>{};
  const bool original = blob.role == Blob::Role::original;
  if (original && (*described)->image.blob != blob.id) co_return Result<void>{};
  const Manifest& manifest = **described;
  for (const Copy& copy : *copies) {
    Result<void> written = co_await put(copy, manifest);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

// The image of a blob as it is now, removed or not; nothing if there is none.
async::Task<Result<std::optional<Manifest>>> ManifestWriter::describe(const Blob& blob) {
  Manifest manifest;
  manifest.blob = blob;
  for (const char* collection : {kImages, kDeletedImages}) {
    Result<catalogue::Record> record = co_await catalogue_.get(collection, blob.image);
    if (!record) {
      if (record.error().code == Code::not_found) continue;
      co_return pass(record);
    }
    if (collection == kDeletedImages) {
      auto deleted = decode_deleted(*record);
      if (deleted) {
        manifest.image = deleted->image;
        manifest.deleted = std::move(*deleted);
        co_return manifest;
      }
      tell_unreadable(*record, deleted.error());
      co_return std::nullopt;
    }
    auto image = decode_image(*record);
    if (image) {
      manifest.image = std::move(*image);
      co_return manifest;
    }
    tell_unreadable(*record, image.error());
    co_return std::nullopt;
  }
  co_return std::nullopt;
}

async::Task<Result<std::vector<Copy>>> ManifestWriter::copies_here(const std::string& blob) {
  Result<std::vector<Copy>> copies = co_await copies_.of(blob);
  if (!copies) {
    const Code code = copies.error().code;
    // One that can't be read must not keep all others waiting.
    if (code == Code::not_found || code == Code::corrupt) co_return std::vector<Copy>{};
    co_return copies;
  }
  std::erase_if(*copies, [this](const Copy& copy) { return copy.referred || copy.store != name_; });
  co_return copies;
}

async::Task<Result<void>> ManifestWriter::put(const Copy& copy, Manifest manifest) {
  manifest.key = copy.key;
  auto text = write_manifest(manifest);
  if (!text) {
    log::failure(log::Level::warning, "an image gets no manifest", text.error(),
                 {{"image", manifest.image.id}});
    co_return Result<void>{};
  }
  const std::string key = manifest_key(copy.key);
  Result<void> replaced = co_await store_.replace(key, std::move(*text));
  if (!replaced) co_return replaced;
  written_.add();
  // Whoever removed the copy meanwhile may have been here first.
  Result<std::vector<Copy>> copies = co_await copies_here(copy.blob);
  if (!copies) co_return pass(copies);
  if (std::ranges::find(*copies, copy.key, &Copy::key) != copies->end()) co_return Result<void>{};
  co_return co_await store_.remove(key);
}

async::Task<Result<void>> ManifestWriter::sweep() {
  std::optional<std::string> after = "";
  std::string blob;
  while (after && !stopping_) {
    Result<store::Listing> page = co_await store_.list(std::move(*after), kPage);
    if (!page) co_return pass(page);
    for (const std::string& key : page->keys) {
      const auto described = described_key(key);
      if (!described) blob = key;
      if (!described || blob == *described) continue;
      // It may have come since the list was read.
      Result<store::BlobStatus> status = co_await store_.stat(*described);
      if (status) continue;
      if (status.error().code != Code::not_found) co_return pass(status);
      Result<void> removed = co_await store_.remove(key);
      if (!removed) co_return removed;
    }
    after = std::move(page->next);
  }
  co_return Result<void>{};
}

async::Task<Result<void>> ManifestWriter::save() {
  Value value = Value::object();
  value.append("since", position_->since);
  set_text(value, "mark", position_->mark);
  if (position_->walk) value.append("walk", *position_->walk);
  catalogue::Batch batch;
  batch.puts.push_back({wrap(kManifests, name_, value), position_->revision});
  Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
  if (!applied) co_return applied;
  ++position_->revision;
  saved_ = position_->since;
  co_return applied;
}

}  // namespace visor::service
