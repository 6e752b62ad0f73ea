// A stream over a part of an open file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "async/byte_source.h"
#include "async/worker_pool.h"
#include "store/descriptor.h"
#include "store/store.h"

namespace visor::store {

/// Reads a file's bytes with pread on a pool. A file that ends before the promised length is
/// `corrupt`: the stream never ends early in silence. Keeps the file open, so that it can be read
/// to its end after it was removed.
class FileSource : public async::ByteSource {
 public:
  /// `disk` outlives the source. `where` names the blob in errors' trails.
  FileSource(Descriptor file, std::uint64_t offset, std::uint64_t length, std::string where,
             async::WorkerPool& disk);
  ~FileSource() override;

  std::optional<std::uint64_t> size() const override { return length_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;
  std::optional<async::FileRange> as_file() const override;

 private:
  Result<std::size_t> read_now(std::span<std::byte> into);

  Descriptor file_;
  std::uint64_t offset_;
  const std::uint64_t length_;
  std::uint64_t remaining_;
  const std::string where_;
  async::WorkerPool& disk_;
};

/// The part of a blob of `size` bytes that `range` asks for, cut at the blob's end; `range` if it
/// starts behind the end.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
Result<Extent> extent_of(ByteRange range, std::uint64_t size);

/// A source over `range` of an open regular file after its version was compared with `version`
/// (empty: any). `precondition` if it differs. Blocking.
Result<std::unique_ptr<async::ByteSource>> open_source(Descriptor file, ByteRange range,
                                                       const std::string& version,
                                                       std::string where, async::WorkerPool& disk);

}  // namespace visor::store
