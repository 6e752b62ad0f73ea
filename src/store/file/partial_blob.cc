#include "store/file/partial_blob.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/random.h"
#include "base/units.h"

namespace visor::store {
namespace {

// Write-back starts in pieces of this size while the upload goes on, so that the last fdatasync has
// little left to do.
constexpr std::uint64_t kWriteBack = 8 * kMiB;

// Room is allocated this far ahead of what has arrived, and no further: who announces much and
// sends little must not hold the disk.
constexpr std::uint64_t kAllocationStep = 64 * kMiB;

// Of the room that is left, data of unknown length gets one such share ahead.
constexpr std::uint64_t kSharesOfRoom = 16;

// What direct writes must be aligned to, in memory and in the file: no device's block is larger.
constexpr std::size_t kDirectBlock = 4096;
// Below this a direct write costs more waiting than it saves copying.
constexpr std::size_t kDirectFrom = 256 * kKiB;

}  // namespace

Result<std::unique_ptr<PartialBlob>> PartialBlob::create(BlobTree& tree, std::string key,
                                                         std::optional<std::uint64_t> size,
                                                         Existing existing) {
  std::unique_ptr<PartialBlob> blob(new PartialBlob(tree, std::move(key), existing));
  if (auto opened = blob->open(size); !opened) return pass(opened);
  return blob;
}

Result<void> PartialBlob::open(std::optional<std::uint64_t> size) {
  path_ = path_of(key_);
  auto folder = tree_.folder_for_new(path_);
  if (!folder) return pass(folder);
  folder_ = std::move(*folder);
  // A file without a name can be linked to a free name, but not to one that is taken.
  if (tree_.unnamed_files() && existing_ == Existing::keep) {
    file_ = Descriptor(tree_.calls().open_unnamed(folder_.get()));
  } else {
    partial_name_ = ".partial-" + random_uuid();
    file_ = Descriptor(
        open_beneath(tree_.partial(), partial_name_.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600));
  }
  if (!file_) {
    const int error = errno;
    partial_name_.clear();
    return fail_file(error, "begin to store the image data", "file.create key=" + key_);
  }
  // Tells a store that starts over the same folder that this one is alive.
  if (!partial_name_.empty()) ::flock(file_.get(), LOCK_EX | LOCK_NB);
  size_ = size;
  return size ? check_room(*size) : Result<void>{};
}

// Told before the first byte rather than after many; whether the room is still there later only
// allocating it tells.
Result<void> PartialBlob::check_room(std::uint64_t size) const {
  const std::string where = "file.room key=" + key_;
  if (size > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) {
    return fail_file(EFBIG, "make room for the image data", where);
  }
  const auto room = tree_.calls().free_room(file_.get());
  if (room && *room < size) return fail_file(ENOSPC, "make room for the image data", where);
  return {};
}

// A step that nobody may need must not fill the disk for the others: a file system may take all
// there is before it says that a step does not fit, and give it back seconds later.
std::uint64_t PartialBlob::step_ahead() const {
  if (size_) return kAllocationStep;
  const auto room = tree_.calls().free_room(file_.get());
  return room ? std::min(kAllocationStep, *room / kSharesOfRoom) : kAllocationStep;
}

Result<void> PartialBlob::allocate_until(std::uint64_t end) {
  if (!may_allocate_ || end <= allocated_) return {};
  std::uint64_t until = std::max(end, allocated_ + step_ahead());
  if (size_) until = std::max(end, std::min(until, *size_));
  int outcome = 0;
  do {
    outcome = tree_.calls().allocate(file_.get(), static_cast<off_t>(allocated_),
                                     static_cast<off_t>(until - allocated_));
  } while (outcome != 0 && errno == EINTR);
  if (outcome == 0) {
    allocated_ = until;
    return {};
  }
  // Of data of unknown length nobody knows whether it needs a whole step, and some file systems
  // allocate nothing ahead: then the writes tell.
  if (!size_ || errno == EOPNOTSUPP || errno == ENOSYS) {
    may_allocate_ = false;
    // A part of the step may have been allocated. What is behind the last byte goes again.
    if ((errno == ENOSPC || errno == EDQUOT) &&
        ::ftruncate(file_.get(), static_cast<off_t>(written_)) != 0) {
      return fail_file(errno, "give back unused room", "file.allocate key=" + key_);
    }
    return {};
  }
  return fail_file(errno, "make room for the image data", "file.allocate key=" + key_);
}

Result<void> PartialBlob::settle(Result<void> outcome) {
  if (!outcome) {
    drop();
    failure_ = outcome.error();
  }
  return outcome;
}

Result<void> PartialBlob::append(std::span<const std::byte> bytes) {
  if (failure_) return std::unexpected(*failure_);
  return settle(append_now(bytes));
}

Result<void> PartialBlob::append_now(std::span<const std::byte> bytes) {
  // What is smaller is not worth another call.
  if (written_ + bytes.size() >= kDirectFrom) {
    if (auto allocated = allocate_until(written_ + bytes.size()); !allocated) return allocated;
  }
  while (!bytes.empty()) {
    const std::size_t piece = choose_piece(bytes);
    const ssize_t count =
        tree_.calls().pwrite(file_.get(), bytes.data(), piece, static_cast<off_t>(written_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EINVAL && direct_ && may_be_direct_) {
      // The file system takes the flag and then not the write.
      may_be_direct_ = false;
      continue;
    }
    if (count <= 0) {
      return fail_file(count < 0 ? errno : EIO, "write the image data",
                       "file.write key=" + key_ + " offset=" + std::to_string(written_));
    }
    written_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    if (direct_) sent_ = written_;
  }
  return start_write_back();
}

// How much of `bytes` goes into the next write, for which the file is put into the right mode.
std::size_t PartialBlob::choose_piece(std::span<const std::byte> bytes) {
  const bool aligned = written_ % kDirectBlock == 0 &&
                       reinterpret_cast<std::uintptr_t>(bytes.data()) % kDirectBlock == 0;
  if (may_be_direct_ && aligned && bytes.size() >= kDirectFrom && set_direct(true)) {
    return bytes.size() / kDirectBlock * kDirectBlock;
  }
  // Should that fail, the write says so.
  set_direct(false);
  return bytes.size();
}

bool PartialBlob::set_direct(bool on) {
  if (direct_ == on) return true;
  if (tree_.calls().set_direct(file_.get(), on) != 0) {
    if (on) may_be_direct_ = false;
    return false;
  }
  direct_ = on;
  return true;
}

Result<void> PartialBlob::start_write_back() {
  if (written_ - sent_ < kWriteBack) return {};
  const int outcome =
      ::sync_file_range(file_.get(), static_cast<off_t>(sent_),
                        static_cast<off_t>(written_ - sent_), SYNC_FILE_RANGE_WRITE);
  sent_ = written_;
  // A failed write-back may be reported here and then nowhere else, so it counts as much as a
  // failed fdatasync.
  if (outcome != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) {
    return fail_file(errno, "write the image data", "file.write_back key=" + key_);
  }
  return {};
}

Result<void> PartialBlob::publish(std::uint64_t size) {
  if (failure_) return std::unexpected(*failure_);
  auto outcome = settle(publish_now(size));
  if (outcome) {
    partial_name_.clear();
    file_.close();
    folder_.close();
    failure_ = Error{Code::conflict, "the blob was committed already", "file.commit key=" + key_};
  }
  return outcome;
}

Result<void> PartialBlob::publish_now(std::uint64_t size) {
  const std::string where = "file.commit key=" + key_;
  if (size != written_) {
    return fail(
        Code::invalid, "the number of bytes written is not the number expected",
        where + " written=" + std::to_string(written_) + " expected=" + std::to_string(size));
  }
  if (allocated_ > written_ && ::ftruncate(file_.get(), static_cast<off_t>(written_)) != 0) {
    return fail_file(errno, "give back unused room", where + " ftruncate");
  }
  // One failure is final: the kernel marks the lost pages clean, so a second call would succeed
  // over a hole.
  if (tree_.calls().fdatasync(file_.get()) != 0) {
    return fail_file(errno, "make the image data durable", where + " fdatasync");
  }
  return existing_ == Existing::keep ? name_it(where) : take_the_place(where);
}

Result<void> PartialBlob::name_it(const std::string& where) {
  const char* name = path_.name.c_str();
  if (link_to(name) != 0) {
    if (errno == EEXIST) {
      return fail(Code::conflict, "the store has a blob of this key already", where);
    }
    return fail_file(errno, "give the image data its name", where + " linkat");
  }
  if (tree_.calls().fsync(folder_.get()) != 0) {
    const int error = errno;
    ::unlinkat(folder_.get(), name, 0);
    ::fsync(folder_.get());
    return fail_file(error, "make the image data durable", where + " fsync");
  }
  if (!partial_name_.empty()) ::unlinkat(tree_.partial(), partial_name_.c_str(), 0);
  return {};
}

// What was there before can't be had back, whatever fails from here on.
Result<void> PartialBlob::take_the_place(const std::string& where) {
  if (tree_.calls().rename(tree_.partial(), partial_name_.c_str(), folder_.get(),
                           path_.name.c_str()) != 0) {
    return fail_file(errno, "give the image data its name", where + " renameat");
  }
  partial_name_.clear();
  if (tree_.calls().fsync(folder_.get()) != 0) {
    return fail_file(errno, "make the image data durable", where + " fsync");
  }
  return {};
}

int PartialBlob::link_to(const char* name) const {
  const auto& linkat = tree_.calls().linkat;
  if (!partial_name_.empty()) {
    return linkat(tree_.partial(), partial_name_.c_str(), folder_.get(), name, 0);
  }
  const auto self = "/proc/self/fd/" + std::to_string(file_.get());
  return linkat(AT_FDCWD, self.c_str(), folder_.get(), name, AT_SYMLINK_FOLLOW);
}

void PartialBlob::drop() {
  if (!partial_name_.empty()) ::unlinkat(tree_.partial(), partial_name_.c_str(), 0);
  partial_name_.clear();
  file_.close();
  folder_.close();
  if (!failure_) {
    failure_ =
        Error{Code::conflict, "the blob was committed or aborted already", "file key=" + key_};
  }
}

}  // namespace visor::store
