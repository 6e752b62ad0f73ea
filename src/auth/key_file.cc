#include "auth/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "base/random.h"

namespace visor::auth {
namespace {

// Reads up to `limit` bytes.
Result<Secret> read_up_to(int descriptor, std::size_t limit, const std::string& path) {
  std::string bytes(limit, '\0');
  std::size_t done = 0;
  while (done < limit) {
    const ssize_t got = ::read(descriptor, bytes.data() + done, limit - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read the master key file", path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  Secret all(std::move(bytes));
  return Secret(std::string(all.reveal().substr(0, done)));
}

Result<void> write_durably(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(errno, "write the master key file", path);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(descriptor) != 0) return fail_errno(errno, "write the master key file", path);
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor || ::fsync(descriptor.get()) != 0) {
    return fail_errno(errno, "make the master key file durable", folder.string());
  }
  return {};
}

}  // namespace

Result<Secret> read_key_file(const std::string& path) {
  // Not blocking: a pipe of this name must not hold the start up.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno(errno, "open the master key file", path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(errno, "look at the master key file", path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::invalid, "The master key must be a plain file.", path);
  }
  if ((status.st_mode & 077) != 0) {
    return fail(Code::forbidden,
                "The master key file can be read or changed by others than its owner; make it "
                "private (chmod 600), and renew the key if somebody may have read it.",
                path);
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(Code::forbidden,
                "The master key file belongs to another user than the one who runs the server.",
                path);
  }
  auto key = read_up_to(file.get(), kKeySize + 1, path);
  if (!key) return pass(key);
  if (key->reveal().size() != kKeySize) {
    return fail(Code::invalid,
                "The master key file must have exactly 32 bytes; it is damaged or is no key file. "
                "Without the right one no account's secret can be opened, so restore it.",
                path);
  }
  return key;
}

Result<void> create_key_file(const std::string& path, const Secret& key) {
  const auto parent = std::filesystem::path(path).parent_path();
  const std::filesystem::path folder = parent.empty() ? std::filesystem::path(".") : parent;
  int reason = 0;
  if (const Descriptor unnamed(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
      unnamed) {
    // Without a name until it is whole, so that a crash leaves no file with a key in it.
    if (auto written = write_durably(unnamed.get(), key.reveal(), path); !written) return written;
    const std::string self = "/proc/self/fd/" + std::to_string(unnamed.get());
    // A link, unlike a rename, leaves a key alone that another process made meanwhile.
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      reason = errno;
    }
  } else {
    const std::string temporary = path + "." + to_hex(random_bytes(8)) + ".new";
    {
      const Descriptor file(
          ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!file) return fail_errno(errno, "create the master key file", path);
      if (auto written = write_durably(file.get(), key.reveal(), path); !written) {
        ::unlink(temporary.c_str());
        return written;
      }
    }
    if (::link(temporary.c_str(), path.c_str()) != 0) reason = errno;
    ::unlink(temporary.c_str());
  }
  if (reason != 0 && reason != EEXIST)
    return fail_errno(reason, "create the master key file", path);
  return sync_folder(folder);
}

}  // namespace visor::auth
