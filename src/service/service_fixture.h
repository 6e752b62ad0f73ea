// A service over the in-memory catalogue and store, with sources and stores that can be made to
// fail. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "async/executor.h"
#include "base/random.h"
#include "catalogue/memory/memory_catalogue.h"
#include "service/image_service.h"
#include "store/memory/memory_store.h"

namespace visor::service {

inline constexpr std::size_t kSlice = 64 * 1024;

inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

/// A text whose length is told or not.
class Source : public async::ByteSource {
 public:
  Source(std::string text, bool known) : text_(std::move(text)), known_(known) {}
  std::optional<std::uint64_t> size() const override {
    return known_ ? std::optional<std::uint64_t>(text_.size()) : std::nullopt;
  }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), text_.size() - position_);
    std::memcpy(into.data(), text_.data() + position_, count);
    position_ += count;
    co_return count;
  }

 protected:
  std::string text_;
  bool known_;
  std::size_t position_ = 0;
};

/// A client that goes away after some bytes.
class BrokenSource final : public Source {
 public:
  BrokenSource(std::string text, std::size_t after)
      : Source(std::move(text), true), after_(after) {}
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::span<std::byte> until_break = into.first(std::min(into.size(), after_ - position_));
    if (until_break.empty()) co_return fail(Code::cancelled, "the client went away");
    co_return co_await Source::read(until_break);
  }

 private:
  std::size_t after_;
};

/// A client that waits before it sends anything, in the middle of the upload.
class GatedSource final : public Source {
 public:
  explicit GatedSource(std::string text) : Source(std::move(text), true) {}
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (position_ == 0) {
      read_.count_down();
      open_.wait();
    }
    co_return co_await Source::read(into);
  }
  void wait_until_read() { read_.wait(); }
  void open() { open_.count_down(); }

 private:
  std::latch read_{1};
  std::latch open_{1};
};

/// The in-memory catalogue, in which something can happen just before a change, or instead of it.
class WatchedCatalogue final : public catalogue::MemoryCatalogue {
 public:
  /// Set while nothing runs; what it returns, `apply` fails with.
  std::function<std::optional<Error>(const catalogue::Batch&)> before_apply;

  Result<void> apply(const catalogue::Batch& batch) override {
    if (before_apply) {
      if (auto error = before_apply(batch)) return std::unexpected(std::move(*error));
    }
    return MemoryCatalogue::apply(batch);
  }
  Result<void> apply_at_once(const catalogue::Batch& batch) {
    return MemoryCatalogue::apply(batch);
  }
};

/// The in-memory store, which can be told to keep what it should remove.
class StubbornStore final : public store::Store {
 public:
  std::atomic<bool> refuse_removals = false;
  /// Others may get the data by themselves for a minute.
  std::atomic<bool> presigns = false;
  /// Called before each small blob is replaced; what it returns, that fails with. Set while nothing
  /// runs.
  std::function<std::optional<Error>(const std::string& key)> before_replace;
  /// A commit stores the blob and fails all the same.
  std::atomic<bool> fail_after_commits = false;

  store::Capability capability() const override {
    store::Capability capability = memory_.capability();
    if (presigns) capability.presign = std::chrono::minutes(1);
    return capability;
  }
  Result<std::string> presigned(const std::string& key,
                                std::chrono::seconds validity) const override {
    return "https://store.example.org/" + key + "?seconds=" + std::to_string(validity.count());
  }
  async::Task<Result<store::BlobStatus>> stat(std::string key) override {
    return memory_.stat(std::move(key));
  }
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key,
                                                               store::ByteRange range,
                                                               std::string version) override {
    return memory_.open(std::move(key), range, std::move(version));
  }
  async::Task<Result<std::unique_ptr<store::BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override {
    auto writer = co_await memory_.create(std::move(key), size);
    if (!writer || !fail_after_commits) co_return writer;
    co_return std::make_unique<FailingWriter>(std::move(*writer));
  }
  async::Task<Result<void>> replace(std::string key, std::string bytes) override {
    if (before_replace) {
      if (auto error = before_replace(key)) co_return std::unexpected(std::move(*error));
    }
    co_return co_await memory_.replace(std::move(key), std::move(bytes));
  }
  async::Task<Result<void>> remove(std::string key) override {
    if (refuse_removals) co_return fail(Code::unavailable, "the store is down");
    co_return co_await memory_.remove(std::move(key));
  }
  async::Task<Result<store::Listing>> list(std::string after, std::uint32_t limit) override {
    return memory_.list(std::move(after), limit);
  }
  std::string location(const std::string& key) const override { return memory_.location(key); }

  /// The sizes of all blobs together.
  std::uint64_t bytes_stored() {
    std::uint64_t bytes = 0;
    for (const auto& key : keys()) bytes += async::run_until_done(memory_.stat(key))->size.value();
    return bytes;
  }
  std::vector<std::string> keys() { return async::run_until_done(memory_.list("", 1000))->keys; }

 private:
  class FailingWriter final : public store::BlobWriter {
   public:
    explicit FailingWriter(std::unique_ptr<store::BlobWriter> writer)
        : writer_(std::move(writer)) {}
    async::Task<Result<void>> write(std::span<const std::byte> bytes) override {
      return writer_->write(bytes);
    }
    async::Task<Result<void>> commit(std::uint64_t size) override {
      Result<void> committed = co_await writer_->commit(size);
      if (!committed) co_return committed;
      co_return fail(Code::unavailable, "the name of the blob could not be made durable");
    }
    async::Task<void> abort() override { return writer_->abort(); }

   private:
    std::unique_ptr<store::BlobWriter> writer_;
  };

  store::MemoryStore memory_;
};

/// A store that only refers.
class RemoteStore final : public store::Store {
 public:
  void put(const std::string& location, std::string bytes) { blobs_[location] = std::move(bytes); }
  void drop(const std::string& location) { blobs_.erase(location); }
  bool has(const std::string& location) const { return blobs_.contains(location); }

  store::Capability capability() const override {
    return {.writable = false,
            .listable = false,
            .ranges = true,
            .reference = store::Capability::Reference::privileged};
  }
  async::Task<Result<store::BlobStatus>> stat(std::string key) override {
    const auto found = blobs_.find(key);
    if (found == blobs_.end()) co_return fail(Code::not_found, "nothing there");
    co_return store::BlobStatus{found->second.size(), "v1", "v1"};
  }
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key,
                                                               store::ByteRange range,
                                                               std::string) override {
    const auto found = blobs_.find(key);
    if (found == blobs_.end()) co_return fail(Code::not_found, "nothing there");
    co_return async::text_source(
        found->second.substr(range.offset, range.length.value_or(std::string::npos)));
  }
  async::Task<Result<std::unique_ptr<store::BlobWriter>>> create(
      std::string, std::optional<std::uint64_t>) override {
    co_return fail(Code::unsupported, "read-only");
  }
  async::Task<Result<void>> remove(std::string) override {
    co_return fail(Code::unsupported, "read-only");
  }
  async::Task<Result<store::Listing>> list(std::string, std::uint32_t) override {
    co_return fail(Code::unsupported, "read-only");
  }
  std::string location(const std::string& key) const override {
    return key.substr(0, key.find('?'));
  }

 private:
  std::map<std::string, std::string> blobs_;
};

/// One quota for all, which a test may change.
class AdjustableQuota final : public QuotaLimits {
 public:
  async::Task<Result<Quota>> of(std::string) const override {
    const std::lock_guard lock(mutex_);
    co_return quota_;
  }
  void set(Quota quota) {
    const std::lock_guard lock(mutex_);
    quota_ = quota;
  }

 private:
  mutable std::mutex mutex_;
  Quota quota_;
};

class ServiceFixture : public ::testing::Test {
 protected:
  ServiceFixture() {
    auto main = std::make_unique<StubbornStore>();
    auto remote = std::make_unique<RemoteStore>();
    store_ = main.get();
    remote_ = remote.get();
    stores_.add("main", std::move(main));
    stores_.add_reference("far", std::move(remote), {"far"});
    stores_.set_default("main");
    restart();
  }

  /// A new service over what the old one left.
  void restart() {
    service_ = std::make_unique<ImageService>(
        Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}, options_);
  }

  static image::Edits draft() { return {{"name", "debian"}, {"architecture", "x86_64"}}; }

  Result<image::Image> add(const Principal& who, image::Edits edits) {
    return async::run_until_done(service_->register_image(who, std::move(edits), Data::none()));
  }
  Result<image::Image> add(const Principal& who, image::Edits edits, std::string bytes,
                           bool known = true) {
    Source source(std::move(bytes), known);
    return async::run_until_done(
        service_->register_image(who, std::move(edits), Data::from(source)));
  }
  Result<image::Image> refer(const Principal& who, const std::string& location) {
    return async::run_until_done(service_->register_image(who, draft(), Data::at(location)));
  }
  Result<image::Image> upload(const Principal& who, const std::string& id, std::string bytes) {
    Source source(std::move(bytes), true);
    return async::run_until_done(service_->change(who, id, {}, Data::from(source), std::nullopt));
  }
  Result<image::Image> show(const Principal& who, const std::string& id) {
    return async::run_until_done(service_->show(who, id));
  }
  Result<image::Image> remove(const Principal& who, const std::string& id) {
    return async::run_until_done(service_->remove(who, id));
  }
  image::Page find(const Principal& who, image::Query query = {}) {
    auto page = async::run_until_done(service_->find(who, std::move(query)));
    EXPECT_TRUE(page.has_value());
    return page ? std::move(*page) : image::Page{};
  }
  Result<std::string> fetch(const Principal& who, const std::string& id,
                            store::ByteRange range = {}) {
    return async::run_until_done(fetch_task(who, id, range));
  }

  std::size_t count(const char* collection) {
    catalogue::Query query;
    query.collection = collection;
    query.limit = 1000;
    return catalogue_.find(query)->records.size();
  }
  std::int64_t counter(const std::string& name) { return *catalogue_.counter(name); }
  std::size_t blobs_stored() { return store_->keys().size(); }

  void expect_nothing_left(const std::string& account) {
    EXPECT_EQ(blobs_stored(), 0u);
    for (const char* collection : {kImages, kBlobs, kCopies, kUploads, kRemovals, kReads}) {
      EXPECT_EQ(count(collection), 0u) << collection;
    }
    EXPECT_EQ(counter(bytes_counter(account)), 0);
    EXPECT_EQ(counter(images_counter(account)), 0);
  }

  /// The catalogue and the store as a crash leaves them in the middle of an upload, before or after
  /// the blob's commit.
  bool leave_upload_behind(const std::string& id, bool committed) {
    auto image = *show(alice_, id);
    const UploadRecord record{random_uuid(), id, "alice", "main", random_uuid(), 500, 1};
    if (!image::begin_upload(image, record.id)) return false;
    catalogue::Batch batch;
    batch.puts.push_back({encode(image), image.revision});
    batch.puts.push_back({encode(record), 0});
    batch.counters.push_back({bytes_counter("alice"), 500, std::nullopt});
    if (!catalogue_.apply(batch)) return false;
    if (!committed) return true;
    return async::run_until_done(write_blob(record.key)).has_value();
  }

  WatchedCatalogue catalogue_;
  async::WorkerPool catalogue_pool_{"catalogue", 4, 1000};
  async::WorkerPool digest_pool_{"digest", 2, 1000};
  async::BufferPool slices_{kSlice, 8};
  catalogue::Client client_{catalogue_, catalogue_pool_};
  ManualClock clock_{*parse_iso_time("2012-06-15T21:05:20Z")};
  AdjustableQuota quota_;
  Options options_;
  store::StoreSet stores_;
  StubbornStore* store_ = nullptr;
  RemoteStore* remote_ = nullptr;
  std::unique_ptr<ImageService> service_;
  const Principal alice_ = Principal::of("alice");
  const Principal bob_ = Principal::of("bob");

 private:
  async::Task<Result<std::string>> fetch_task(Principal who, std::string id,
                                              store::ByteRange range) {
    Result<Download> download = co_await service_->download(who, id);
    if (!download) co_return pass(download);
    const Download& found = *download;
    Result<std::unique_ptr<async::ByteSource>> source = co_await service_->open(found, range);
    if (!source) co_return pass(source);
    async::ByteSource& stream = **source;
    co_return co_await async::read_all(stream, 64 << 20);
  }

  async::Task<Result<void>> write_blob(std::string key) {
    Result<std::unique_ptr<store::BlobWriter>> writer = co_await store_->create(key, 4);
    if (!writer) co_return pass(writer);
    store::BlobWriter& blob = **writer;
    const std::string_view text = "half";
    Result<void> written = co_await blob.write(std::as_bytes(std::span(text)));
    if (!written) co_return written;
    co_return co_await blob.commit(4);
  }
};

}  // namespace visor::service
