// The only way the stores open files: beneath a folder.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "base/descriptor.h"

namespace visor::store {

/// Opens `path` (relative) beneath `folder` without ever leaving it or following a symbolic link,
/// whatever others do to the tree meanwhile (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS,
/// Linux 5.6). Adds O_CLOEXEC and retries on EINTR. The descriptor, or -1 with errno: ELOOP for a
/// link, EXDEV for a way out. Blocking.
///
/// Where the system refuses openat2 (a systemd unit with RestrictSUIDSGID=, an older container's
/// filter: ENOSYS), the same is done with openat, one name of the path after the other.
int open_beneath(int folder, const char* path, int flags, mode_t mode = 0);
/// The second way of it.
int open_beneath_by_steps(int folder, const char* path, int flags, mode_t mode = 0);

/// Names the state of a file's bytes: its size and its time of last modification in nanoseconds.
std::string file_version(const struct stat& status);

}  // namespace visor::store
