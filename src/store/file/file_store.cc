#include "store/file/file_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "store/file/partial_blob.h"
#include "store/file_source.h"
#include "store/key.h"

namespace visor::store {

class FileStore::Writer : public BlobWriter {
 public:
  Writer(std::unique_ptr<PartialBlob> blob, async::WorkerPool& disk)
      : blob_(std::move(blob)), disk_(disk) {}

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override {
    auto work = [this, bytes] { return blob_->append(bytes); };
    co_return co_await disk_.run_admitted(std::move(work));
  }

  async::Task<Result<void>> commit(std::uint64_t size) override {
    auto work = [this, size] { return blob_->publish(size); };
    co_return co_await disk_.run_admitted(std::move(work));
  }

  async::Task<void> abort() override {
    auto work = [this]() -> Result<void> {
      blob_->drop();
      return {};
    };
    // Dropping cannot fail.
    std::ignore = co_await disk_.run_admitted(std::move(work));
  }

 private:
  const std::unique_ptr<PartialBlob> blob_;
  async::WorkerPool& disk_;
};

FileStore::FileStore(Options options, std::unique_ptr<BlobTree> tree, async::WorkerPool& disk)
    : hold_removals_lock_(std::move(options.hold_removals_lock)),
      tree_(std::move(tree)),
      disk_(disk) {}

Result<std::unique_ptr<FileStore>> FileStore::open(Options options, async::WorkerPool& disk) {
  auto tree = BlobTree::open(options.directory, options.calls);
  if (!tree) return pass(tree);
  if (!options.hold_removals_lock.empty()) {
    // Now, since a disk that is full when something is to be removed may have no room for it.
    const Descriptor lock(
        ::open(options.hold_removals_lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  return std::unique_ptr<FileStore>(new FileStore(std::move(options), std::move(*tree), disk));
}

Capability FileStore::capability() const {
  return {.writable = true, .listable = true, .ranges = true, .local = true};
}

async::Task<Result<BlobStatus>> FileStore::stat(std::string key) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  auto work = [this, &key]() -> Result<BlobStatus> {
    auto file = tree_->open_blob(key, O_PATH);
    if (!file) return pass(file);
    struct stat status = {};
    if (::fstat(file->get(), &status) != 0) {
      return fail_file(errno, "look at the image data", "file.stat key=" + key);
    }
    return BlobStatus{static_cast<std::uint64_t>(status.st_size), file_version(status)};
  };
  co_return co_await disk_.run(std::move(work));
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> FileStore::open(std::string key,
                                                                        ByteRange range,
                                                                        std::string version) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  auto work = [this, &key, &version, range]() -> Result<std::unique_ptr<async::ByteSource>> {
    auto file = tree_->open_blob(key, O_RDONLY | O_NONBLOCK);
    if (!file) return pass(file);
    return open_source(std::move(*file), range, version, "file key=" + key, disk_);
  };
  co_return co_await disk_.run(std::move(work));
}

async::Task<Result<std::unique_ptr<BlobWriter>>> FileStore::create(
    std::string key, std::optional<std::uint64_t> size) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  auto work = [this, &key, size] { return PartialBlob::create(*tree_, key, size); };
  auto blob = co_await disk_.run(std::move(work));
  if (!blob) co_return pass(blob);
  co_return std::make_unique<Writer>(std::move(*blob), disk_);
}

async::Task<Result<void>> FileStore::replace(std::string key, std::string bytes) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  auto work = [this, &key, &bytes]() -> Result<void> {
    auto blob = PartialBlob::create(*tree_, key, bytes.size(), Existing::replace);
    if (!blob) return pass(blob);
    if (auto written = (*blob)->append(std::as_bytes(std::span(bytes))); !written) return written;
    return (*blob)->publish(bytes.size());
  };
  co_return co_await disk_.run(std::move(work));
}

async::Task<Result<void>> FileStore::remove(std::string key) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  auto work = [this, &key] { return remove_now(key); };
  co_return co_await disk_.run(std::move(work));
}

Result<void> FileStore::remove_now(const std::string& key) {
  Descriptor lock;
  if (!hold_removals_lock_.empty()) {
    // Made if missing: were it absent and skipped, a backup that begins now would not be noticed.
    lock = Descriptor(::open(hold_removals_lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) {
      return fail_errno(errno, "see whether a backup is running", "file.remove lock key=" + key);
    }
    if (::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) {
      return fail(Code::unavailable, "a backup is running; the data will be removed after it",
                  "file.remove held key=" + key);
    }
  }
  return tree_->remove(key);
}

async::Task<Result<Listing>> FileStore::list(std::string after, std::uint32_t limit) {
  auto work = [this, &after, limit] { return tree_->list(after, limit); };
  co_return co_await disk_.run(std::move(work));
}

std::string FileStore::location(const std::string& key) const {
  return "file://" + percent_encode(tree_->directory() + "/" + path_of(key).text(), "/");
}

}  // namespace visor::store
