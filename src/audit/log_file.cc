#include "audit/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace visor::audit {
namespace {

constexpr std::string_view kAction = "write the audit log";

std::unexpected<Error> failed(std::string_view call) {
  return fail_errno(errno, kAction, "audit." + std::string(call));
}

}  // namespace

Calls::Calls() : pwrite(::pwrite), fdatasync(::fdatasync) {}

Result<LogFile> LogFile::create(const std::string& path, Calls calls) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("open");
  return LogFile(descriptor, 0, 0, std::move(calls));
}

Result<LogFile> LogFile::resume(const std::string& path, std::uint64_t end, Calls calls) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return failed("open");
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    const auto error = failed("fstat");
    ::close(descriptor);
    return error;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return LogFile(descriptor, end, std::max(size, end), std::move(calls));
}

LogFile::LogFile(int descriptor, std::uint64_t end, std::uint64_t size, Calls calls)
    : descriptor_(descriptor), end_(end), size_(size), calls_(std::move(calls)) {}

LogFile::LogFile(LogFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      end_(other.end_),
      size_(other.size_),
      calls_(std::move(other.calls_)) {}

LogFile::~LogFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> LogFile::write_at(std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count =
        calls_.pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("pwrite");
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> LogFile::write(std::string_view line) {
  if (line.size() + 1 > room()) {
    return fail(Code::no_space, "the audit log has no room left", "audit.room");
  }
  // The line feed behind it is there already, unless a longer line failed half-way in this place.
  std::string whole(line);
  whole += '\n';
  if (auto written = write_at(whole, end_); !written) return written;
  end_ += whole.size();
  return {};
}

Result<void> LogFile::make_room(std::uint64_t bytes) {
  static const std::string kLineFeeds(64 * 1024, '\n');
  std::uint64_t done = 0;
  while (done < bytes) {
    const auto step = std::min<std::uint64_t>(kLineFeeds.size(), bytes - done);
    const auto piece = std::string_view(kLineFeeds).substr(0, static_cast<std::size_t>(step));
    if (auto written = write_at(piece, size_ + done); !written) return written;
    done += step;
  }
  return sync();
}

Result<void> LogFile::sync() {
  if (calls_.fdatasync(descriptor_) == 0) return {};
  return failed("fdatasync");
}

Result<void> LogFile::finish() {
  if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) return failed("ftruncate");
  size_ = end_;
  return sync();
}

Result<void> sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open_folder");
  const int synced = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  if (synced == 0) return {};
  return fail_errno(reason, kAction, "audit.fsync_folder");
}

}  // namespace visor::audit
