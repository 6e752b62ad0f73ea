// References to files that lie on the server already.
#pragma once

#include <string>
#include <vector>

#include "async/worker_pool.h"
#include "store/descriptor.h"
#include "store/store.h"

namespace visor::store {

/// The absolute path that a `file:` location names (RFC 8089): `file:///path`, `file:/path` or
/// `file://localhost/path`, the path percent-encoded UTF-8. `invalid` for another form, a query, a
/// fragment, control characters or a part that is "." or "..".
Result<std::string> path_of_file_location(std::string_view location);

/// Read-only; its keys are `file:` locations. A location outside the folders, over a symbolic link
/// or of something that is no regular file is `forbidden`. Thread-safe.
class FileReferenceStore : public Store {
 public:
  /// `folders` are absolute paths; none means that every location is refused. They need not exist
  /// yet. `invalid` if one is not absolute. `disk` outlives the store and its readers.
  static Result<std::unique_ptr<FileReferenceStore>> open(std::vector<std::string> folders,
                                                          async::WorkerPool& disk);

  Capability capability() const override;
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> remove(std::string key) override;
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  std::string location(const std::string& key) const override { return key; }

 private:
  FileReferenceStore(std::vector<std::string> folders, async::WorkerPool& disk);
  Result<Descriptor> open_file(const std::string& location) const;

  const std::vector<std::string> folders_;  ///< without a slash at the end
  async::WorkerPool& disk_;
};

}  // namespace visor::store
