#include "client/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace visor::client {
namespace {

constexpr std::size_t kLongestTag = 1024;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Outcome<void> write_fully(int descriptor, std::span<const std::byte> bytes,
                          const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_failure(errno, "write " + name);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

std::string read_tag(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return {};
  std::array<char, kLongestTag> text{};
  const ssize_t got = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (got <= 0) return {};
  // Without its line end it was cut short.
  const std::string_view content(text.data(), static_cast<std::size_t>(got));
  const auto end = content.find('\n');
  return end == std::string_view::npos ? std::string() : std::string(content.substr(0, end));
}

}  // namespace

PartialFile::PartialFile(std::string final_path, int descriptor, std::uint64_t size)
    : final_path_(std::move(final_path)), descriptor_(descriptor), size_(size) {
  if (size_ > 0) entity_tag_ = read_tag(tag_path());
}

PartialFile::~PartialFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) {
    discard();
  } else {
    ::close(descriptor_);
  }
}

Outcome<std::unique_ptr<PartialFile>> PartialFile::open(std::string final_path) {
  struct stat facts{};
  if (::stat(final_path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return local_failure(Code::invalid, "'" + final_path + "' exists and is no plain file");
  }
  const std::string path = final_path + ".partial";
  for (;;) {
    const int descriptor =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0666);
    if (descriptor < 0) {
      const int reason = errno;
      if (reason == ENOENT) {
        return local_failure(Code::invalid, "the folder '" + folder_of(final_path) +
                                                "' does not exist; make it first");
      }
      return file_failure(reason, "open '" + path + "'");
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      ::close(descriptor);
      return local_failure(Code::conflict,
                           "another download is writing to '" + path + "'; wait until it is done");
    }
    // Between opening and locking another process may have given the file its final name.
    struct stat named{};
    if (::fstat(descriptor, &facts) == 0 && ::stat(path.c_str(), &named) == 0 &&
        facts.st_ino == named.st_ino && facts.st_dev == named.st_dev) {
      return std::unique_ptr<PartialFile>(new PartialFile(
          std::move(final_path), descriptor, static_cast<std::uint64_t>(facts.st_size)));
    }
    ::close(descriptor);
  }
}

Outcome<void> PartialFile::restart(std::string_view entity_tag) {
  // The tag goes first and comes last: bytes of one version never stand under the tag of another.
  ::unlink(tag_path().c_str());
  if (::ftruncate(descriptor_, 0) != 0)
    return file_failure(errno, "empty '" + partial_path() + "'");
  size_ = 0;
  entity_tag_ = entity_tag;
  if (entity_tag.empty() || entity_tag.size() >= kLongestTag) return {};
  const int tag =
      ::open(tag_path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (tag < 0) return file_failure(errno, "write '" + tag_path() + "'");
  const std::string line = std::string(entity_tag) + "\n";
  auto written = write_fully(tag, std::as_bytes(std::span(line)), "'" + tag_path() + "'");
  ::close(tag);
  return written;
}

Outcome<void> PartialFile::append(std::span<const std::byte> bytes) {
  auto written = write_fully(descriptor_, bytes, "'" + partial_path() + "'");
  if (!written) {
    // A part of the slice may have reached the disk; the next attempt must know how far it got.
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) entity_tag_.clear();
    return written;
  }
  size_ += bytes.size();
  return {};
}

Outcome<void> PartialFile::digest(Digester& digester) {
  std::vector<std::byte> buffer(256 * 1024);
  std::uint64_t position = 0;
  while (position < size_) {
    const ssize_t got =
        ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_failure(errno, "read '" + partial_path() + "'");
    if (got == 0) {
      return local_failure(Code::corrupt, "'" + partial_path() + "' was changed by somebody else");
    }
    digester.update(std::span(buffer).first(static_cast<std::size_t>(got)));
    position += static_cast<std::uint64_t>(got);
  }
  return {};
}

Outcome<void> PartialFile::commit() {
  if (::fsync(descriptor_) != 0) return file_failure(errno, "store '" + partial_path() + "'");
  if (::rename(partial_path().c_str(), final_path_.c_str()) != 0) {
    return file_failure(errno, "rename '" + partial_path() + "' to '" + final_path_ + "'");
  }
  ::unlink(tag_path().c_str());
  ::close(descriptor_);
  descriptor_ = -1;
  const std::string folder = folder_of(final_path_);
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return file_failure(errno, "open the folder '" + folder + "'");
  const bool synced = ::fsync(opened) == 0;
  const int reason = errno;
  ::close(opened);
  if (!synced && reason != EINVAL) return file_failure(reason, "store the folder '" + folder + "'");
  return {};
}

void PartialFile::discard() {
  if (descriptor_ < 0) return;
  ::unlink(partial_path().c_str());
  ::unlink(tag_path().c_str());
  ::close(descriptor_);
  descriptor_ = -1;
  size_ = 0;
}

Outcome<void> DescriptorTarget::restart(std::string_view entity_tag) {
  if (size_ > 0) {
    return local_failure(
        Code::conflict,
        "the download broke and can't be continued, since the server has other data "
        "by now or knows no entity tags; what was written is of no use");
  }
  entity_tag_ = entity_tag;
  return {};
}

Outcome<void> DescriptorTarget::append(std::span<const std::byte> bytes) {
  auto written = write_fully(descriptor_, bytes, "standard output");
  if (written) size_ += bytes.size();
  return written;
}

Outcome<void> DescriptorTarget::digest(Digester&) {
  if (size_ == 0) return {};
  return local_failure(Code::internal, "what was written to standard output can't be read again");
}

}  // namespace visor::client
