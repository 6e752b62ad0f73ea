#include "store/file_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace visor::store {

FileSource::FileSource(Descriptor file, std::uint64_t offset, std::uint64_t length,
                       std::string where, async::WorkerPool& disk)
    : file_(std::move(file)),
      offset_(offset),
      length_(length),
      remaining_(length),
      where_(std::move(where)),
      disk_(disk) {}

FileSource::~FileSource() {
  struct stat status = {};
  // The last close of a removed file frees its blocks, which takes long for a large one: not on an
  // event loop.
  if (file_ && ::fstat(file_.get(), &status) == 0 && status.st_nlink == 0) {
    disk_.post([file = std::move(file_)]() mutable { file.close(); });
  }
}

async::Task<Result<std::size_t>> FileSource::read(std::span<std::byte> into) {
  if (into.empty() || remaining_ == 0) co_return std::size_t{0};
  auto work = [this, into] { return read_now(into); };
  co_return co_await disk_.run_admitted(std::move(work));
}

Result<std::size_t> FileSource::read_now(std::span<std::byte> into) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), remaining_));
  ssize_t count = 0;
  do {
    count = ::pread(file_.get(), into.data(), wanted, static_cast<off_t>(offset_));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno(errno, "read the image data", where_ + " pread");
  if (count == 0) {
    return fail(Code::corrupt, "the stored image data is shorter than it was when it was opened",
                where_ + " missing=" + std::to_string(remaining_));
  }
  offset_ += static_cast<std::uint64_t>(count);
  remaining_ -= static_cast<std::uint64_t>(count);
  return static_cast<std::size_t>(count);
}

std::optional<async::FileRange> FileSource::as_file() const {
  return async::FileRange{file_.get(), offset_, remaining_};
}

Result<Extent> extent_of(ByteRange range, std::uint64_t size) {
  if (range.offset > size) {
    return fail(Code::range, "the range starts behind the end of the data",
                "offset=" + std::to_string(range.offset) + " size=" + std::to_string(size));
  }
  const std::uint64_t rest = size - range.offset;
  return Extent{range.offset, std::min(range.length.value_or(rest), rest)};
}

Result<std::unique_ptr<async::ByteSource>> open_source(Descriptor file, ByteRange range,
                                                       const std::string& version,
                                                       std::string where, async::WorkerPool& disk) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(errno, "look at the image data", where + " fstat");
  }
  if (const auto current = file_version(status); !version.empty() && version != current) {
    return fail(Code::precondition, "the data has changed since it was registered",
                where + " expected=" + version + " found=" + current);
  }
  auto extent = extent_of(range, static_cast<std::uint64_t>(status.st_size));
  if (!extent) return pass(extent);
  return std::make_unique<FileSource>(std::move(file), extent->offset, extent->length,
                                      std::move(where), disk);
}

}  // namespace visor::store
