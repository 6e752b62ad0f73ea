// Blobs as objects in a bucket of an S3 server.
#pragma once

#include <memory>
#include <string>

#include "store/s3/s3_options.h"
#include "store/store.h"

namespace visor::store {

class S3Bucket;
class S3Commits;
class S3Sweep;
class S3Uploads;
class PartLoop;

/// One object a blob, named by the prefix and the key with '.' for each '/': names sort as keys do,
/// and no name is a folder of another, which some servers can't keep. The version of a blob is its
/// object's ETag.
///
/// A blob is visible when its PUT or CompleteMultipartUpload was answered. Between servers that
/// know If-None-Match and this process's own writers, of two writers of one key exactly one wins;
/// between two processes and a server that doesn't know it, both may (keys are unique, so there are
/// never two).
///
/// Thread-safe; calls are made on an executor's thread. Errors beside the store's: `too_large`;
/// `conflict` and `unavailable` with a sentence for what is wrong with the bucket, the key, the
/// region or the clock.
class S3Store final : public Store {
 public:
  /// `invalid` for options of which no store can be made. Connects to nothing yet.
  static Result<std::unique_ptr<S3Store>> create(S3Options options);
  ~S3Store() override;

  /// Ends what is under way with `cancelled`; nothing begins any more. An upload that is ended so
  /// leaves its parts.
  void stop();

  Capability capability() const override;
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> replace(std::string key, std::string bytes) override;
  async::Task<Result<void>> remove(std::string key) override;
  /// Objects under the prefix whose names are no keys' are passed over.
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  /// s3://bucket/object.
  std::string location(const std::string& key) const override;
  Result<std::string> presigned(const std::string& key,
                                std::chrono::seconds validity) const override;
  /// Begins a sweep of what servers that died have left of their uploads.
  void tidy() override;
  /// A sweep on the spot: how many uploads were ended.
  async::Task<Result<std::size_t>> sweep();

 private:
  S3Store(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<PartMemory> memory);
  std::string object_of(std::string_view key) const;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open_by_status(std::string key,
                                                                         ByteRange range,
                                                                         std::string version);

  const std::shared_ptr<S3Bucket> bucket_;
  const std::shared_ptr<PartMemory> memory_;
  const std::shared_ptr<S3Commits> commits_;
  const std::shared_ptr<S3Uploads> uploads_;
  const std::shared_ptr<S3Sweep> sweep_;
  const std::unique_ptr<PartLoop> loop_;
};

}  // namespace visor::store
