#include "audit/log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/measures.h"
#include "audit/resume.h"
#include "base/log.h"

namespace visor::audit {
namespace {

using std::chrono::steady_clock;

/// While no more room can be made: what is left for the ends of changes that have begun, ...
constexpr std::uint64_t kRoomForEnds = 128 * kKiB;
/// ... and below which refusals are counted only, so that nobody fills it who may do nothing.
constexpr std::uint64_t kRoomForChanges = 256 * kKiB;

/// What a caller is told: the disk is not their business, that nothing can be changed is.
Error refusal_of(const Error& error) {
  Error refusal{error.code == Code::no_space ? Code::no_space : Code::unavailable,
                "the audit log can't be written, so nothing can be changed now; reading goes on",
                error.message + " " + error.where, Retry::later};
  if (refusal.code == Code::no_space) {
    refusal.message =
        "the server has no room left for its audit log, so nothing can be changed now; reading "
        "goes on";
  }
  return refusal;
}

std::unexpected<Error> unusable(const std::string& folder, int errno_value) {
  return fail(Code::unavailable,
              "the folder " + folder + " of the audit log can't be used: " +
                  std::generic_category().message(errno_value) +
                  ". Give the server's user the right to write there, or choose another one "
                  "(audit, folder).");
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(Options options, Seal seal, const Clock& clock) {
  const std::string& folder = options.folder;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return unusable(folder, errno);
  const int lock = ::open((folder + "/audit.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return unusable(folder, errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(lock);
    if (reason != EWOULDBLOCK) return unusable(folder, reason);
    return fail(Code::conflict, "another process writes the audit log in " + folder +
                                    "; each server needs a folder of its own (audit, folder)");
  }
  std::unique_ptr<Log> opened(new Log(std::move(options), std::move(seal), clock, lock));
  auto resumed = resume(opened->options_.folder, opened->seal_);
  if (!resumed) return pass(resumed);
  for (const Event& remark : resumed->remarks) {
    log::warning("the audit log was not found as it was left: " + remark.detail);
  }
  opened->last_ = resumed->last;
  opened->synced_ = resumed->last.sequence;
  if (!resumed->file.empty()) {
    auto file = LogFile::resume(opened->options_.folder + "/" + resumed->file, resumed->end,
                                opened->options_.calls);
    if (!file) return pass(file);
    opened->file_ = std::make_shared<LogFile>(std::move(*file));
    opened->name_ = resumed->file;
    opened->file_begun_ = clock.now();
  }
  if (auto begun = opened->begin(resumed->remarks); !begun) return pass(begun);
  return opened;
}

Log::Log(Options options, Seal seal, const Clock& clock, int lock)
    : options_(std::move(options)),
      seal_(std::move(seal)),
      clock_(clock),
      lock_(lock),
      checkpoint_time_(steady_clock::now() - options_.checkpoint_every),
      retry_time_(steady_clock::now()) {
  Measures::of_process();  // so that they show before the first line
}

Result<void> Log::begin(const std::vector<Event>& remarks) {
  std::unique_lock lock(mutex_);
  if (!file_ || file_full()) turn_file(lock);
  if (file_ && file_->room() < kLowRoom) make_room(lock);
  for (const Event& remark : remarks) {
    if (auto told = append_locked(remark); !told) {
      log::failure(log::Level::error, "what was found in the audit log could not be told there",
                   told.error());
    }
  }
  if (auto told = append_locked(own_event("log.start")); told) wanted_ = told->sequence;
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "audit");
  return {};
}

Log::~Log() {
  close();
  if (lock_ >= 0) ::close(lock_);
}

void Log::close() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    if (auto told = append_locked(own_event("log.stop")); told) wanted_ = told->sequence;
    stopping_ = true;
  }
  work_.notify_all();
  room_made_.notify_all();
  thread_.join();
  const std::lock_guard lock(mutex_);
  broken_ = Error{Code::unavailable, "the audit log is closed", "audit.close", Retry::later};
  file_.reset();
  ::close(lock_);
  lock_ = -1;
}

Result<void> Log::ready() const {
  const std::lock_guard lock(mutex_);
  if (broken_) return std::unexpected(refusal_of(*broken_));
  if (full_ && (!file_ || file_->room() < kRoomForEnds)) return std::unexpected(refusal_of(*full_));
  return {};
}

Link Log::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

Result<Link> Log::append_locked(const Event& event) {
  if (broken_) return std::unexpected(*broken_);
  if (!file_) return fail(Code::unavailable, "there is no file yet", "audit.file");
  const std::string line = write_line(event, clock_.now(), last_, seal_);
  if (auto written = file_->write(line); !written) return pass(written);
  last_ = link_of(last_.sequence + 1, line);
  Measures::of_process().lines.add();
  return last_;
}

Result<std::uint64_t> Log::append(const Event& event, bool awaited) {
  std::unique_lock lock(mutex_);
  // Only after a burst that outran the thread that makes room.
  room_made_.wait(lock, [&] {
    return broken_ || full_ || stopping_ || !file_ || file_->room() > kRoomForEnds;
  });
  const std::uint64_t room = file_ ? file_->room() : 0;
  const bool beginning = event.outcome == Outcome::begun;
  const bool refusal = event.outcome == Outcome::refused && event.of == 0;
  Result<Link> told;
  if (full_ && ((beginning && room < kRoomForEnds) || (refusal && room < kRoomForChanges))) {
    told = std::unexpected(*full_);
  } else {
    told = append_locked(event);
  }
  if (!told) {
    Measures::of_process().failures.add();
    return std::unexpected(refusal_of(told.error()));
  }
  if (awaited && options_.durable) wanted_ = told->sequence;
  const bool needed = work_waits();
  lock.unlock();
  if (needed) work_.notify_one();
  return told->sequence;
}

struct Log::Settling {
  Log& log;
  Waiter waiter;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    const std::lock_guard lock(log.mutex_);
    if (log.doubtful(waiter.sequence)) {
      waiter.result = std::unexpected(not_recorded("audit.doubtful"));
      return false;
    }
    if (log.synced_ >= waiter.sequence) return false;
    if (log.broken_) {
      waiter.result = std::unexpected(refusal_of(*log.broken_));
      return false;
    }
    waiter.executor = async::Executor::current();
    waiter.awaiting = handle;
    log.waiters_.push_back(&waiter);
    log.wanted_ = std::max(log.wanted_, waiter.sequence);
    log.work_.notify_one();
    return true;
  }
  Result<void> await_resume() { return std::move(waiter.result); }
};

async::Task<Result<void>> Log::settled(std::uint64_t sequence) {
  if (!options_.durable) co_return Result<void>{};
  Settling settling{*this, {sequence, nullptr, {}, {}}};
  co_return co_await settling;
}

}  // namespace visor::audit
