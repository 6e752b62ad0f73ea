// Ending the uploads of servers that died. Private to this folder.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "async/task.h"
#include "base/error.h"
#include "store/s3/s3_bucket.h"

namespace visor::store {

/// The multipart uploads that this process has under way, by id. Thread-safe.
class S3Uploads {
 public:
  void begin(const std::string& id);
  void end(const std::string& id);
  bool contains(const std::string& id) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
};

/// Looks for multipart uploads that are older than the options' `abandoned_after`, are of no upload
/// of this process, and are the service's own: of an object under the prefix that is named by a
/// UUID, as the service names blobs. Everything else in the bucket is let alone. Thread-safe.
class S3Sweep {
 public:
  S3Sweep(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<S3Uploads> uploads);

  /// Whether a sweep is due, which counts as begun then: the first at once, the next after an hour,
  /// sooner if uploads are abandoned sooner. Never while one is under way.
  bool begin();
  /// The sweep that `begin` allowed. The log is told how it went.
  static async::Task<void> run_and_tell(std::shared_ptr<S3Sweep> sweep);

  /// One sweep: how many uploads it ended.
  async::Task<Result<std::size_t>> run();

 private:
  bool abandoned(const S3UploadUnderWay& upload, Time now) const;
  async::Task<Result<void>> end(S3UploadUnderWay upload);

  const std::shared_ptr<S3Bucket> bucket_;
  const std::shared_ptr<S3Uploads> uploads_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> due_;  ///< nothing: at once
  bool under_way_ = false;
  std::atomic<bool> told_ = false;  ///< that it doesn't work
};

}  // namespace visor::store
