#include "base/log_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace visor::log {
namespace {

// With this much waiting a write is worth its call.
constexpr std::size_t kPlenty = 128 * 1024;
// How long a line may wait for others; a tenth of what is promised.
constexpr std::chrono::milliseconds kGathering{100};
// A batch's memory beyond this is given back.
constexpr std::size_t kKept = 2 * kPlenty;

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

LogFile::LogFile(LogFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), cut_(std::exchange(other.cut_, false)) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    cut_ = std::exchange(other.cut_, false);
  }
  return *this;
}

LogFile::~LogFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<LogFile> LogFile::open(const std::string& path) {
  LogFile file;
  if (path.empty()) return file;
  file.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file.descriptor_ >= 0) return file;
  return fail(Code::unavailable,
              "cannot open the log file; check that its folder exists and may be written",
              "log.open file=" + path + " " + std::strerror(errno));
}

std::string_view LogFile::write(std::string_view text) {
  // The next line must not stand on the one that was cut, which would spoil both.
  if (cut_ && !write_bytes("\n").empty()) return text;
  const std::string_view rest = write_bytes(text);
  const std::string_view written = text.substr(0, text.size() - rest.size());
  cut_ = !rest.empty() && !written.empty() && written.back() != '\n';
  return rest;
}

std::string_view LogFile::write_bytes(std::string_view text) const {
  const int descriptor = descriptor_ >= 0 ? descriptor_ : STDERR_FILENO;
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Somebody else's standard error may be non-blocking.
      pollfd room{descriptor, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      break;
    }
  }
  return text;
}

LogQueue::LogQueue(void (*tell_lost)(std::string& out, std::uint64_t count))
    : tell_lost_(tell_lost),
      lost_lines_(metrics::Registry::process().counter(
          "visor_log_lost_lines_total",
          "Lines of the log that were dropped because it could not be written fast enough, or at "
          "all.")) {}

bool LogQueue::put(std::string_view line, Haste haste) {
  bool wake = false;
  bool served = false;
  {
    const std::lock_guard lock(mutex_);
    served = served_;
    const std::size_t most = haste == Haste::at_once ? 2 * kMostWaiting : kMostWaiting;
    if (waiting_.size() + line.size() > most) {
      lost_lines_.add();
      ++untold_;
      return served;
    }
    const bool had_plenty = waiting_.size() >= kPlenty;
    waiting_ += line;
    const bool urges = haste == Haste::at_once && !in_haste_;
    in_haste_ = in_haste_ || urges;
    wake = served_ && (idle_ || urges || (!had_plenty && waiting_.size() >= kPlenty));
    idle_ = idle_ && !wake;
  }
  if (wake) more_.notify_one();
  return served;
}

void LogQueue::drain() {
  const std::lock_guard writing(writing_);
  std::uint64_t untold = 0;
  {
    const std::lock_guard lock(mutex_);
    std::swap(batch_, waiting_);
    in_haste_ = false;
    untold = std::exchange(untold_, 0);
  }
  std::uint64_t unwritten = 0;
  if (!batch_.empty()) unwritten = lines_in(file_.write(batch_));
  if (unwritten > 0) lost_lines_.add(unwritten);
  untold += unwritten;
  batch_.clear();
  if (untold > 0 && unwritten == 0) {
    tell_lost_(batch_, untold);
    if (file_.write(batch_).empty()) untold = 0;
    batch_.clear();
  }
  if (untold > 0) {
    const std::lock_guard lock(mutex_);
    untold_ += untold;
  }
  if (batch_.capacity() > kKept) std::string().swap(batch_);
}

void LogQueue::go_on_in(LogFile file) {
  drain();
  const std::lock_guard writing(writing_);
  file_ = std::move(file);
}

void LogQueue::expect_service() {
  const std::lock_guard lock(mutex_);
  served_ = true;
}

void LogQueue::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_ = waiting_.empty();
    more_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
    idle_ = false;
    if (waiting_.empty()) break;
    lock.unlock();
    drain();
    lock.lock();
    more_.wait_for(lock, kGathering,
                   [this] { return in_haste_ || waiting_.size() >= kPlenty || stopping_; });
  }
  served_ = stopping_ = false;
}

void LogQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
}

}  // namespace visor::log
