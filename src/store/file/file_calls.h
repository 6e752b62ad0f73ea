// The system calls on which a blob's durability rests.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace visor::store {

/// By default the system's own; a test replaces one to see what the store does when a disk fails.
/// Each returns -1 and sets errno as its namesake does. Called on the disk pool's threads, several
/// at a time.
struct FileCalls {
  FileCalls();

  std::function<ssize_t(int file, const void* bytes, std::size_t count, off_t offset)> pwrite;
  std::function<int(int file)> fdatasync;
  /// Allocates room without changing the file's size.
  std::function<int(int file, off_t offset, off_t length)> allocate;
  /// Whether writes to the file go past the page cache from now on (O_DIRECT).
  std::function<int(int file, bool on)> set_direct;
  /// Bytes that the file's file system can still take, or nothing if it doesn't say.
  std::function<std::optional<std::uint64_t>(int file)> free_room;
  std::function<int(int folder)> fsync;
  std::function<int(int from, const char* old_name, int to, const char* new_name, int flags)>
      linkat;
  std::function<int(int from, const char* old_name, int to, const char* new_name)> rename;
  /// An unnamed file (O_TMPFILE) in a folder, open for writing.
  std::function<int(int folder)> open_unnamed;
};

}  // namespace visor::store
