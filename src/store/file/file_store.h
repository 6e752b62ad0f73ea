// A store in a folder of a file system.
#pragma once

#include <memory>
#include <string>

#include "async/worker_pool.h"
#include "store/file/blob_tree.h"
#include "store/file/file_calls.h"
#include "store/store.h"

namespace visor::store {

/// One file a blob, whole and durable under its name or not there at all
/// (docs/formats/file-store.md). Every call on the file system goes to the disk pool; readers give
/// their part of the file away for sendfile. Thread-safe.
class FileStore : public Store {
 public:
  struct Options {
    std::string directory;
    /// A lock file, made if it is missing, that a backup holds exclusively (flock) while it copies:
    /// meanwhile `remove` says `unavailable`, so that what the backed-up catalogue names is still
    /// there when its turn to be copied comes. The file itself must stay. Empty: nothing holds
    /// removals up.
    std::string hold_removals_lock = {};
    FileCalls calls = {};
  };

  /// Opens the store; it outlives its writers, and `disk` outlives the store, its writers and its
  /// readers. The error is a sentence for the operator and names the folder: missing parent, no
  /// permission, not a folder. Blocking.
  static Result<std::unique_ptr<FileStore>> open(Options options, async::WorkerPool& disk);

  Capability capability() const override;
  /// The version is the file's size and time of modification: a backup that restores the times
  /// keeps it.
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> replace(std::string key, std::string bytes) override;
  async::Task<Result<void>> remove(std::string key) override;
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  /// `file:///…` with the absolute path of the blob's file.
  std::string location(const std::string& key) const override;

 private:
  class Writer;
  FileStore(Options options, std::unique_ptr<BlobTree> tree, async::WorkerPool& disk);
  Result<void> remove_now(const std::string& key);

  const std::string hold_removals_lock_;
  const std::unique_ptr<BlobTree> tree_;
  async::WorkerPool& disk_;
};

}  // namespace visor::store
