#include "store/memory/memory_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "store/file_source.h"
#include "store/key.h"

namespace visor::store {
namespace {

/// Reads a part of a shared byte array.
class SharedSource : public async::ByteSource {
 public:
  SharedSource(std::shared_ptr<const std::vector<std::byte>> bytes, Extent extent)
      : bytes_(std::move(bytes)), left_(std::span(*bytes_).subspan(extent.offset, extent.length)) {
    size_ = left_.size();
  }

  std::optional<std::uint64_t> size() const override { return size_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), left_.size());
    if (count > 0) std::memcpy(into.data(), left_.data(), count);
    left_ = left_.subspan(count);
    co_return count;
  }

 private:
  std::shared_ptr<const std::vector<std::byte>> bytes_;
  std::span<const std::byte> left_;
  std::uint64_t size_ = 0;
};

}  // namespace

class MemoryStore::Writer : public BlobWriter {
 public:
  Writer(MemoryStore& store, std::string key) : store_(store), key_(std::move(key)) {}
  ~Writer() override { drop(); }

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override {
    if (failure_) co_return std::unexpected(*failure_);
    if (auto room = store_.take_room(bytes.size()); !room) {
      drop();
      failure_ = room.error();
      co_return std::unexpected(*failure_);
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    co_return Result<void>{};
  }

  async::Task<Result<void>> commit(std::uint64_t size) override {
    if (failure_) co_return std::unexpected(*failure_);
    failure_ = Error{Code::conflict, "the blob was committed or aborted already", key_};
    if (size != bytes_.size()) {
      const auto written = std::to_string(bytes_.size());
      drop();
      co_return fail(Code::invalid, "the number of bytes written is not the number expected",
                     "key=" + key_ + " written=" + written + " expected=" + std::to_string(size));
    }
    auto committed = store_.commit(key_, std::exchange(bytes_, {}));
    if (!committed) store_.give_room(size);
    co_return committed;
  }

  async::Task<void> abort() override {
    drop();
    failure_ = Error{Code::conflict, "the blob was committed or aborted already", key_};
    co_return;
  }

 private:
  void drop() { store_.give_room(std::exchange(bytes_, {}).size()); }

  MemoryStore& store_;
  const std::string key_;
  std::vector<std::byte> bytes_;
  std::optional<Error> failure_;
};

MemoryStore::MemoryStore() : MemoryStore(Options{}) {}
MemoryStore::MemoryStore(Options options) : options_(std::move(options)) {}
MemoryStore::~MemoryStore() = default;

Capability MemoryStore::capability() const {
  return {.writable = true, .listable = true, .ranges = true, .local = true};
}

Result<std::shared_ptr<const MemoryStore::Blob>> MemoryStore::find(const std::string& key) const {
  if (auto valid = check_key(key); !valid) return pass(valid);
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(key);
  if (found == blobs_.end()) {
    return fail(Code::not_found, "the image data is not in the store", "memory key=" + key);
  }
  return found->second;
}

async::Task<Result<BlobStatus>> MemoryStore::stat(std::string key) {
  auto blob = find(key);
  if (!blob) co_return pass(blob);
  co_return BlobStatus{(*blob)->bytes.size(), (*blob)->version};
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> MemoryStore::open(std::string key,
                                                                          ByteRange range,
                                                                          std::string version) {
  auto blob = find(key);
  if (!blob) co_return pass(blob);
  if (!version.empty() && version != (*blob)->version) {
    co_return fail(Code::precondition, "the data has changed since it was registered",
                   "memory key=" + key);
  }
  auto extent = extent_of(range, (*blob)->bytes.size());
  if (!extent) co_return pass(extent);
  std::shared_ptr<const std::vector<std::byte>> bytes(*blob, &(*blob)->bytes);
  co_return std::make_unique<SharedSource>(std::move(bytes), *extent);
}

async::Task<Result<std::unique_ptr<BlobWriter>>> MemoryStore::create(
    std::string key, std::optional<std::uint64_t> size) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  if (size && *size > options_.capacity) {
    co_return fail(Code::no_space, "cannot make room for the image data: no space is left",
                   "memory key=" + key);
  }
  co_return std::make_unique<Writer>(*this, std::move(key));
}

async::Task<Result<void>> MemoryStore::replace(std::string key, std::string bytes) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  const auto span = std::as_bytes(std::span(bytes));
  const std::lock_guard lock(mutex_);
  auto& blob = blobs_[key];
  const std::uint64_t before = blob ? blob->bytes.size() : 0;
  if (bytes.size() > options_.capacity - (used_ - before)) {
    if (!blob) blobs_.erase(key);
    co_return fail(Code::no_space, "cannot write the image data: no space is left", "memory");
  }
  used_ += bytes.size() - before;
  blob = std::make_shared<const Blob>(
      Blob{{span.begin(), span.end()}, "commit-" + std::to_string(++commits_)});
  co_return Result<void>{};
}

async::Task<Result<void>> MemoryStore::remove(std::string key) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  const std::lock_guard lock(mutex_);
  if (const auto found = blobs_.find(key); found != blobs_.end()) {
    used_ -= found->second->bytes.size();
    blobs_.erase(found);
  }
  co_return Result<void>{};
}

async::Task<Result<Listing>> MemoryStore::list(std::string after, std::uint32_t limit) {
  Listing listing;
  const std::lock_guard lock(mutex_);
  auto entry = blobs_.upper_bound(after);
  for (; entry != blobs_.end() && listing.keys.size() < limit; ++entry) {
    listing.keys.push_back(entry->first);
  }
  if (entry != blobs_.end()) listing.next = listing.keys.empty() ? after : listing.keys.back();
  co_return listing;
}

std::string MemoryStore::location(const std::string& key) const {
  return "memory://" + options_.name + "/" + key;
}

std::uint64_t MemoryStore::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

Result<void> MemoryStore::take_room(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > options_.capacity - used_) {
    return fail(Code::no_space, "cannot write the image data: no space is left", "memory");
  }
  used_ += bytes;
  return {};
}

void MemoryStore::give_room(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
}

Result<void> MemoryStore::commit(const std::string& key, std::vector<std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  if (blobs_.contains(key)) {
    return fail(Code::conflict, "the store has a blob of this key already", "memory key=" + key);
  }
  auto version = "commit-" + std::to_string(++commits_);
  blobs_.emplace(key, std::make_shared<const Blob>(Blob{std::move(bytes), std::move(version)}));
  return {};
}

}  // namespace visor::store
