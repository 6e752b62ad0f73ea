#include "app/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace visor::app {
namespace {

std::unexpected<Error> cannot_use(const std::string& path, int errno_value,
                                  const std::string& advice) {
  return fail(
      Code::unavailable,
      "the data folder " + path + " can't be used: " + std::strerror(errno_value) + ". " + advice,
      "errno=" + std::to_string(errno_value));
}

// A folder's own entry is in the one above it, and must outlast a power failure as what is in it
// does. Where the one above can't be opened, this one was not made by us, nor today.
void sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& given) {
  std::error_code error;
  const std::string path = std::filesystem::absolute(given, error).lexically_normal().string();
  if (given.empty() || error)
    return fail(Code::invalid, "the data folder's path is empty or can't be resolved");
  const std::string advice =
      "Choose another with --data, or give the server's user the right to write there.";
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    if (errno == ENOENT) {
      return cannot_use(path, errno,
                        "Make the folder above it first, or choose another with --data.");
    }
    return cannot_use(path, errno, advice);
  }
  if (!std::filesystem::is_directory(path, error)) return cannot_use(path, ENOTDIR, advice);
  sync_folder(path + "/..");

  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return cannot_use(path, errno, advice);
  const std::string pid_file = path + "/visord.pid";
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(lock);
    if (reason != EWOULDBLOCK) return cannot_use(path, reason, advice);
    return fail(Code::conflict, "another server already serves from " + path + " (process " +
                                    first_line(pid_file) +
                                    "). Stop it first, or choose another folder with --data.");
  }
  std::ofstream file(pid_file, std::ios::trunc);
  file << ::getpid() << '\n';
  file.close();
  if (!file) {
    const int reason = errno;
    ::close(lock);
    return cannot_use(path, reason, advice);
  }
  return DataFolder(path, lock);
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ < 0) return;
  ::unlink(file("visord.pid").c_str());
  ::close(lock_);
}

}  // namespace visor::app
