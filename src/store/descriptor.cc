#include "store/descriptor.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace visor::store {

int open_beneath(int folder, const char* path, int flags, mode_t mode) {
  struct open_how how = {};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename elsewhere raced with the walk and the kernel could not prove that it stayed
  // beneath the folder.
  for (int tries = 0;; ++tries) {
    const long number = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (number >= 0) return static_cast<int>(number);
    if (errno == EINTR || (errno == EAGAIN && tries < 16)) continue;
    if (errno == ENOSYS) return open_beneath_by_steps(folder, path, flags, mode);
    return -1;
  }
}

namespace {

int refused(int error) {
  errno = error;
  return -1;
}

// One name in a folder. A link is never followed, nor opened itself.
int open_name(int folder, const std::string& name, int flags, mode_t mode) {
  int number = -1;
  do {
    number = ::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode);
  } while (number < 0 && errno == EINTR);
  struct stat status = {};
  if (number < 0) {
    const int error = errno;
    const bool link = error == ENOTDIR &&
                      ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISLNK(status.st_mode);
    return refused(link ? ELOOP : error);
  }
  // O_PATH opens a link itself.
  if ((flags & O_PATH) != 0 && ::fstat(number, &status) == 0 && S_ISLNK(status.st_mode)) {
    ::close(number);
    return refused(ELOOP);
  }
  return number;
}

}  // namespace

int open_beneath_by_steps(int folder, const char* path, int flags, mode_t mode) {
  const std::string whole(path);
  if (whole.empty()) return refused(ENOENT);
  if (whole.front() == '/') return refused(EXDEV);
  Descriptor above;
  int at = folder;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = std::min(whole.find('/', begin), whole.size());
    const std::size_t next = std::min(whole.find_first_not_of('/', slash), whole.size());
    const std::string name = whole.substr(begin, slash - begin);
    // Whether it would stay beneath the folder could not be told from names alone.
    if (name == "..") return refused(EXDEV);
    if (slash == whole.size()) return open_name(at, name, flags, mode);
    if (next == whole.size()) return open_name(at, name, flags | O_DIRECTORY, mode);
    Descriptor step(open_name(at, name, O_PATH | O_DIRECTORY, 0));
    if (!step) return -1;
    above = std::move(step);
    at = above.get();
    begin = next;
  }
}

std::string file_version(const struct stat& status) {
  return std::to_string(status.st_size) + "-" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace visor::store
