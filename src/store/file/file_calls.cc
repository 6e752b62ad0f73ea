#include "store/file/file_calls.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/descriptor.h"

namespace visor::store {
namespace {

int allocate_room(int file, off_t offset, off_t length) {
  return ::fallocate(file, FALLOC_FL_KEEP_SIZE, offset, length);
}

int set_direct_writes(int file, bool on) {
  const int flags = ::fcntl(file, F_GETFL);
  if (flags < 0) return -1;
  return ::fcntl(file, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT);
}

std::optional<std::uint64_t> room_left(int file) {
  struct statvfs status = {};
  if (::fstatvfs(file, &status) != 0 || status.f_blocks == 0) return std::nullopt;
  // What the file system keeps for root is there for root.
  const auto blocks = ::geteuid() == 0 ? status.f_bfree : status.f_bavail;
  return static_cast<std::uint64_t>(blocks) * status.f_frsize;
}

}  // namespace

FileCalls::FileCalls()
    : pwrite(::pwrite),
      fdatasync(::fdatasync),
      allocate(allocate_room),
      set_direct(set_direct_writes),
      free_room(room_left),
      fsync(::fsync),
      linkat(::linkat),
      rename(::renameat),
      open_unnamed(
          [](int folder) { return open_beneath(folder, ".", O_TMPFILE | O_WRONLY, 0600); }) {}

}  // namespace visor::store
