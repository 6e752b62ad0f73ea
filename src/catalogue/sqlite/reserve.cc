#include "catalogue/sqlite/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/log.h"

namespace visor::catalogue::sqlite {

namespace {

// Less than so many times the reserve is a disk that needs its room for other things.
constexpr std::uint64_t kPlenty = 4;
constexpr std::chrono::seconds kBetweenAttempts{1};

}  // namespace

Reserve::Reserve(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {
  if (bytes_ == 0) return;
  struct stat status{};
  if (::stat(path_.c_str(), &status) == 0) {
    held_ = static_cast<std::uint64_t>(status.st_blocks) * 512 >= bytes_;
    given_up_ = !held_;
  }
  restore();
}

void Reserve::release() {
  const std::lock_guard lock(mutex_);
  if (!held_) return;
  held_ = false;
  given_up_ = true;
  next_attempt_ = std::chrono::steady_clock::now() + kBetweenAttempts;
  const int file = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return;
  // A journaling file system gives the blocks to others only when the change is on the disk.
  const bool freed = ::ftruncate(file, 0) == 0 && ::fsync(file) == 0;
  ::close(file);
  log::warning("the catalogue's disk is full: the room that was set aside for removals is in use",
               {{"freed", freed ? "yes" : "no"}});
}

void Reserve::restore() {
  if (bytes_ == 0 || held_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const auto now = std::chrono::steady_clock::now();
  if (!lock.owns_lock() || held_ || now < next_attempt_) return;
  next_attempt_ = now + kBetweenAttempts;
  set_aside();
}

void Reserve::set_aside() {
  struct statvfs disk{};
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return;
  if (std::uint64_t{disk.f_bavail} * disk.f_frsize < kPlenty * bytes_) return;
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return;
  held_ = ::fallocate(file, 0, 0, static_cast<off_t>(bytes_)) == 0;
  ::close(file);
  if (held_) given_up_ = false;
}

}  // namespace visor::catalogue::sqlite
