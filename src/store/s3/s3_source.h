// A stream over an object that goes on where it broke. Private to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/byte_source.h"
#include "store/s3/s3_bucket.h"

namespace visor::store {

/// `length` bytes from `offset` of the object whose ETag is `tag`. When the connection breaks, the
/// rest is asked for again, of the same ETag; if the object has been replaced or removed by then,
/// or too many tries in a row gave nothing, reading ends with an error, never early.
class S3Source final : public async::ByteSource {
 public:
  S3Source(std::shared_ptr<S3Bucket> bucket, std::string object, std::string tag,
           std::uint64_t offset, std::uint64_t length, std::unique_ptr<async::ByteSource> body);

  std::optional<std::uint64_t> size() const override { return length_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

 private:
  async::Task<Result<void>> go_on();

  const std::shared_ptr<S3Bucket> bucket_;
  const std::string object_;
  const std::string tag_;
  const std::uint64_t length_;
  std::uint64_t offset_;
  std::uint64_t left_;
  std::unique_ptr<async::ByteSource> body_;  ///< null: to be asked for
  unsigned breaks_ = 0;                      ///< since something came
};

}  // namespace visor::store
