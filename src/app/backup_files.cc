#include "app/backup_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <span>
#include <system_error>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/units.h"

namespace visor::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 * kMiB;

std::string partial_name(const fs::path& target) { return target.string() + ".partial"; }

/// Takes the partial file away unless it got its name.
class Partial {
 public:
  explicit Partial(std::string path) : path_(std::move(path)) {}
  ~Partial() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  const std::string path_;
  bool kept_ = false;
};

Result<Descriptor> create(const std::string& path) {
  // What an interrupted run left goes; a link planted there is not followed.
  ::unlink(path.c_str());
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(errno, "make the file " + path, "backup.create");
  return file;
}

Result<void> write_all(int file, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "write the file " + path, "backup.write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

/// Reads pieces until the end and hands each to `take`.
template <class Take>
Result<void> read_all(int file, const fs::path& path, Take&& take) {
  std::vector<std::byte> piece(kPiece);
  while (true) {
    const ssize_t count = ::read(file, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "read the file " + path.string(), "backup.read");
    if (count == 0) return {};
    Result<void> taken = take(std::span(piece).first(static_cast<std::size_t>(count)));
    if (!taken) return taken;
  }
}

/// Whether the file system made the copy itself. Nothing was written if not.
Result<bool> copy_unread(int source, int target, std::uint64_t size, const fs::path& path) {
  if (::ioctl(target, FICLONE, source) == 0) return true;
  std::uint64_t done = 0;
  while (done < size) {
    const std::uint64_t ask = std::min<std::uint64_t>(size - done, 256 * kMiB);
    const ssize_t count =
        ::copy_file_range(source, nullptr, target, nullptr, static_cast<std::size_t>(ask), 0);
    if (count > 0) {
      done += static_cast<std::uint64_t>(count);
    } else if (count == 0) {
      return true;
    } else if (done == 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
                             errno == EOPNOTSUPP || errno == EPERM)) {
      return false;
    } else if (errno != EINTR) {
      return fail_errno(errno, "copy the file " + path.string(), "backup.copy_file_range");
    }
  }
  return true;
}

Result<void> copy_bytes(int source, int target, std::uint64_t size, const fs::path& path,
                        const CopyRules& rules) {
  if (rules.unread && rules.sha256.empty()) {
    const auto copied = copy_unread(source, target, size, path);
    if (!copied) return std::unexpected<Error>(copied.error());
    if (*copied) return {};
  }
  Digester digester(DigestAlgorithm::sha256);
  auto read = read_all(source, path, [&](std::span<const std::byte> bytes) {
    if (!rules.sha256.empty()) digester.update(bytes);
    return write_all(target, bytes, path.string());
  });
  if (!read) return read;
  if (!rules.sha256.empty() && digester.finish_hex() != rules.sha256) {
    return fail(Code::corrupt, "the bytes of " + path.string() + " are not those that were stored",
                "backup.sha256");
  }
  return {};
}

/// Makes a file's bytes durable and gives it its name.
Result<void> publish(const Descriptor& file, Partial& partial, const fs::path& target) {
  if (::fsync(file.get()) != 0) {
    return fail_errno(errno, "make the file " + target.string() + " durable", "backup.fsync");
  }
  if (::rename(partial.path().c_str(), target.c_str()) != 0) {
    return fail_errno(errno, "give the file " + target.string() + " its name", "backup.rename");
  }
  partial.keep();
  return {};
}

}  // namespace

Result<FileLock> FileLock::take(const fs::path& path, const std::string& message) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(errno, "open the lock file " + path.string(), "backup.lock");
  // One that root makes must be open to the server, whose the folder is.
  struct stat folder{};
  if (::geteuid() == 0 && ::stat(path.parent_path().c_str(), &folder) == 0 &&
      ::fchown(file.get(), folder.st_uid, folder.st_gid) != 0) {
    return fail_errno(errno, "give the lock file " + path.string() + " its owner", "backup.lock");
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail_errno(errno, "lock the file " + path.string(), "backup.lock");
    }
    if (std::chrono::steady_clock::now() > until) {
      return fail(Code::conflict, message, "backup.lock path=" + path.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return FileLock(std::move(file));
}

Result<void> sync_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor || ::fsync(descriptor.get()) != 0) {
    return fail_errno(errno, "make the folder " + folder.string() + " durable", "backup.fsync");
  }
  return {};
}

Result<void> make_folders(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    return sync_folder(folder.has_parent_path() ? folder.parent_path() : fs::path("."));
  }
  const int reason = errno;
  if (reason == EEXIST && is_folder(folder)) return {};
  if (reason == ENOENT && folder.has_parent_path() && folder.parent_path() != folder) {
    if (auto above = make_folders(folder.parent_path()); !above) return above;
    return make_folders(folder);
  }
  return fail_errno(reason, "make the folder " + folder.string(), "backup.mkdir");
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory) return entries;
  while (!error && at != fs::directory_iterator()) {
    entries.push_back(at->path());
    at.increment(error);
  }
  if (!error) return entries;
  return fail(Code::invalid,
              folder.string() + " can't be read as a folder: " + error.message() + "; name another",
              "backup.list");
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error || real.empty()) real = fs::absolute(path, error).lexically_normal();
  // "folder/" has an empty name at its end, which would be one more part than "folder" has.
  return real.has_filename() ? real : real.parent_path();
}

bool lies_in(const fs::path& inner, const fs::path& outer) {
  auto at = inner.begin();
  for (const fs::path& part : outer) {
    if (at == inner.end() || *at != part) return false;
    ++at;
  }
  return true;
}

Result<std::uint64_t> copy_durably(const fs::path& source, const fs::path& target,
                                   const CopyRules& rules) {
  const Descriptor from(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!from || ::fstat(from.get(), &status) != 0) {
    return fail_errno(errno, "open the file " + source.string(), "backup.open");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || (rules.size && *rules.size != size)) {
    return fail(Code::corrupt, "the file " + source.string() + " has not the size that was stored",
                "backup.size is=" + std::to_string(size));
  }
  Partial partial(partial_name(target));
  auto to = create(partial.path());
  if (!to) return pass(to);
  if (auto copied = copy_bytes(from.get(), to->get(), size, source, rules); !copied) {
    return pass(copied);
  }
  struct stat written{};
  if (::fstat(to->get(), &written) != 0 || written.st_size != status.st_size) {
    return fail(Code::corrupt, "the file " + source.string() + " changed while it was copied",
                "backup.size");
  }
  const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
  if (::futimens(to->get(), times.data()) != 0) {
    return fail_errno(errno, "set the time of the file " + target.string(), "backup.futimens");
  }
  if (auto published = publish(*to, partial, target); !published) return pass(published);
  return size;
}

Result<void> write_durably(const fs::path& target, std::string_view text) {
  Partial partial(partial_name(target));
  auto file = create(partial.path());
  if (!file) return pass(file);
  auto written = write_all(file->get(), std::as_bytes(std::span(text)), target.string());
  if (!written) return written;
  if (auto published = publish(*file, partial, target); !published) return published;
  return sync_folder(target.parent_path());
}

Result<std::string> read_small(const fs::path& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return fail_errno(errno, "open the file " + path.string(), "backup.open");
  std::string text;
  auto read = read_all(file.get(), path, [&](std::span<const std::byte> bytes) -> Result<void> {
    if (text.size() + bytes.size() > limit) {
      return fail(Code::too_large, "the file " + path.string() + " is too large", "backup.read");
    }
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  if (!read) return pass(read);
  return text;
}

Result<std::string> file_sha256(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return fail_errno(errno, "open the file " + path.string(), "backup.open");
  Digester digester(DigestAlgorithm::sha256);
  auto read = read_all(file.get(), path, [&](std::span<const std::byte> bytes) -> Result<void> {
    digester.update(bytes);
    return {};
  });
  if (!read) return pass(read);
  return digester.finish_hex();
}

}  // namespace visor::app
