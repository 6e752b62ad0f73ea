// Writing one object. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "store/s3/part_loop.h"
#include "store/s3/part_memory.h"
#include "store/s3/s3_bucket.h"
#include "store/s3/s3_sweep.h"
#include "store/store.h"

namespace visor::store {

/// The objects that this process is about to make visible: of two writers of one key, one learns
/// here that it came second. Thread-safe.
class S3Commits {
 public:
  bool begin(const std::string& object);
  void end(const std::string& object);

 private:
  std::mutex mutex_;
  std::set<std::string> objects_;
};

/// What the writers of a store share.
struct S3Shared {
  std::shared_ptr<S3Bucket> bucket;
  std::shared_ptr<PartMemory> memory;
  std::shared_ptr<S3Commits> commits;
  std::shared_ptr<S3Uploads> uploads;
  PartLoop* loop = nullptr;  ///< outlives the writers
};

/// The bytes of one part, in memory that is counted.
class S3Part {
 public:
  S3Part() = default;
  S3Part(PartMemory::Lease lease, std::size_t capacity);

  bool valid() const { return bytes_ != nullptr; }
  std::size_t room() const { return capacity_ - size_; }
  std::size_t capacity() const { return capacity_; }
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }
  /// Takes what there is room for; how much.
  std::size_t append(std::span<const std::byte> bytes);
  /// Moves the bytes to a larger place.
  void grow(PartMemory::Lease more, std::size_t capacity);

 private:
  PartMemory::Lease lease_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// The size of part `number` (from 1) of an object of `size` bytes, if known: so that 10,000 parts
/// hold it; without a size, each thousand parts are twice as large as those before. Never over
/// `options.largest_part`.
std::uint64_t part_size(const S3Options& options, unsigned number,
                        std::optional<std::uint64_t> size);

/// What fits into one part is sent at once, at the commit; more as a multipart upload whose parts
/// are sent in parallel while the next one fills.
class S3Writer final : public BlobWriter {
 public:
  S3Writer(S3Shared shared, std::string object, std::optional<std::uint64_t> size);
  ~S3Writer() override;

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override;
  async::Task<Result<void>> commit(std::uint64_t size) override;
  async::Task<void> abort() override;

 private:
  struct Upload;
  struct Arrival;

  async::Task<Result<void>> take_in(std::span<const std::byte> bytes);
  async::Task<Result<void>> make_room();
  async::Task<Result<void>> begin_upload();
  async::Task<Result<void>> send_part();
  static async::Task<void> carry(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<Upload> upload,
                                 S3Part part, unsigned number, std::string object);
  async::Task<Result<void>> wait_until_at_most(unsigned running);
  async::Task<Result<void>> put_whole();
  async::Task<Result<void>> complete();
  async::Task<Result<void>> check_completed(const S3Answer& answer, std::string expected);
  async::Task<Result<void>> commit_now();
  async::Task<Result<void>> check_absent();
  async::Task<bool> is_ours();
  async::Task<void> take_back();
  async::Task<void> drop();
  Result<void> taken() const;

  const S3Shared shared_;
  const std::string object_;
  const std::optional<std::uint64_t> forecast_;
  const std::string mark_;  ///< tells this writer's object from another's of the same name
  S3Part part_;
  unsigned parts_ = 0;
  std::uint64_t written_ = 0;
  std::shared_ptr<Upload> upload_;  ///< null until the second part begins
  std::optional<Error> failure_;    ///< also: that it is over
};

}  // namespace visor::store
