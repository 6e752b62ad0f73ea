#include "client/body_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/descriptor.h"

namespace visor::client {
namespace {

class TextBody final : public BodySource {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> size() const override { return text_.size(); }
  Outcome<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), text_.size() - position_);
    std::memcpy(into.data(), text_.data() + position_, count);
    position_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t position_ = 0;
};

/// Reads a descriptor, as far as `size` if that is known.
class DescriptorBody final : public BodySource {
 public:
  DescriptorBody(int descriptor, std::optional<std::uint64_t> size, std::string name,
                 std::unique_ptr<Descriptor> owned)
      : descriptor_(descriptor), size_(size), name_(std::move(name)), owned_(std::move(owned)) {}

  std::optional<std::uint64_t> size() const override { return size_; }

  Outcome<std::size_t> read(std::span<std::byte> into) override {
    if (size_) into = into.first(std::min<std::uint64_t>(into.size(), *size_ - position_));
    if (into.empty()) return std::size_t{0};
    ssize_t got = 0;
    do {
      got = ::read(descriptor_, into.data(), into.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return file_failure(errno, "read " + name_);
    if (got == 0 && size_) {
      return local_failure(Code::invalid, name_ + " became shorter while it was read: it has " +
                                              std::to_string(position_) + " bytes now and had " +
                                              std::to_string(*size_) +
                                              ". Is something else writing to it?");
    }
    position_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }

 private:
  int descriptor_;
  std::optional<std::uint64_t> size_;
  std::string name_;
  std::unique_ptr<Descriptor> owned_;
  std::uint64_t position_ = 0;
};

Outcome<void> write_fully(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_failure(errno, "keep standard input in a temporary file");
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace

std::unique_ptr<BodySource> text_body(std::string text) {
  return std::make_unique<TextBody>(std::move(text));
}

Outcome<std::unique_ptr<BodySource>> open_file_body(const std::string& path) {
  auto file = std::make_unique<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file->get() < 0) return file_failure(errno, "open '" + path + "'");
  struct stat facts{};
  if (::fstat(file->get(), &facts) != 0) return file_failure(errno, "look at '" + path + "'");
  if (S_ISDIR(facts.st_mode)) {
    return local_failure(Code::invalid, "'" + path + "' is a folder; name a file");
  }
  std::optional<std::uint64_t> size;
  if (S_ISREG(facts.st_mode)) size = static_cast<std::uint64_t>(facts.st_size);
  if (S_ISBLK(facts.st_mode)) {
    const off_t end = ::lseek(file->get(), 0, SEEK_END);
    if (end >= 0 && ::lseek(file->get(), 0, SEEK_SET) == 0) size = static_cast<std::uint64_t>(end);
  }
  ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const int number = file->get();
  return std::make_unique<DescriptorBody>(number, size, "'" + path + "'", std::move(file));
}

Outcome<std::unique_ptr<BodySource>> descriptor_body(int descriptor) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0) return file_failure(errno, "look at standard input");
  std::optional<std::uint64_t> size;
  if (S_ISREG(facts.st_mode)) {
    const off_t position = ::lseek(descriptor, 0, SEEK_CUR);
    if (position >= 0) {
      size = static_cast<std::uint64_t>(std::max<off_t>(facts.st_size - position, 0));
    }
  }
  return std::make_unique<DescriptorBody>(descriptor, size, "standard input", nullptr);
}

Outcome<std::unique_ptr<BodySource>> spool_body(BodySource& source, Progress& progress) {
  const char* chosen = std::getenv("TMPDIR");
  std::string path = std::string(chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp") +
                     "/visor-upload-XXXXXX";
  auto file = std::make_unique<Descriptor>(::mkostemp(path.data(), O_CLOEXEC));
  if (file->get() < 0) return file_failure(errno, "make a temporary file like '" + path + "'");
  // Without a name it can't outlive this program, however that ends.
  ::unlink(path.c_str());

  std::vector<std::byte> buffer(256 * 1024);
  std::uint64_t total = 0;
  progress.begin("reading", 0, std::nullopt);
  for (;;) {
    auto got = source.read(buffer);
    if (!got) {
      progress.end(false);
      return pass_on(got);
    }
    if (*got == 0) break;
    if (auto kept = write_fully(file->get(), std::span(buffer).first(*got)); !kept) {
      progress.end(false);
      return pass_on(kept);
    }
    total += *got;
    progress.advance(total);
  }
  progress.end(true);
  if (::lseek(file->get(), 0, SEEK_SET) != 0) return file_failure(errno, "rewind a temporary file");
  const int number = file->get();
  return std::make_unique<DescriptorBody>(number, total, "the temporary file", std::move(file));
}

MeteredBody::MeteredBody(BodySource& source, Progress& progress)
    : source_(source), progress_(progress) {}

Outcome<std::size_t> MeteredBody::read(std::span<std::byte> into) {
  if (!begun_) progress_.begin("uploading", 0, source_.size());
  begun_ = true;
  auto got = source_.read(into);
  if (!got) return got;
  digester_.update(into.first(*got));
  count_ += *got;
  progress_.advance(count_);
  // A sender that knows the length never asks for the end.
  if (*got == 0 || count_ == source_.size()) complete_ = true;
  return got;
}

}  // namespace visor::client
