// What the log's own thread does.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/log.h"
#include "audit/measures.h"
#include "base/log.h"

namespace visor::audit {
namespace {

using std::chrono::steady_clock;

constexpr auto kRetry = std::chrono::seconds(1);
constexpr auto kTick = std::chrono::seconds(1);
constexpr std::size_t kMostDoubtful = 1000;
constexpr const char* kDraftName = "audit-next.log";

}  // namespace

bool Log::file_full() const {
  if (!file_) return true;
  if (file_->end() >= options_.rotate_size) return true;
  return options_.rotate_age.count() > 0 && file_->end() > 0 &&
         clock_.now() - file_begun_ >= options_.rotate_age;
}

bool Log::checkpoint_due() const {
  return last_.sequence > checkpointed_.sequence &&
         steady_clock::now() - checkpoint_time_ >= options_.checkpoint_every;
}

bool Log::work_waits() const {
  if (stopping_) return true;
  if (!broken_ && wanted_ > synced_) return true;
  if (broken_ || full_) return steady_clock::now() >= retry_time_;
  return !file_ || file_->room() < kLowRoom || file_full() || checkpoint_due();
}

void Log::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait_for(lock, kTick, [this] { return work_waits(); });
    const bool ending = stopping_;
    if (!ending && (broken_ || full_) && steady_clock::now() < retry_time_) {
      // What changes have begun is made durable also while no more room is to be had.
      if (!broken_ && wanted_ > synced_) sync(lock);
      continue;
    }
    if (broken_ || !file_ || (file_full() && !ending)) {
      turn_file(lock);
      drop_old_files(lock);
    }
    if (!ending && file_ && !broken_ && file_->room() < kLowRoom) make_room(lock);
    if (wanted_ > synced_) sync(lock);
    if (ending || checkpoint_due()) keep_checkpoint(lock);
    if (ending) break;
  }
  if (file_ && !broken_) {
    if (auto finished = file_->finish(); !finished) {
      log::failure(log::Level::warning, "the audit log's file keeps its room", finished.error());
    }
  }
  log::info("the audit log ends here for now",
            {{"sequence", std::to_string(last_.sequence)}, {"hash", last_.hash}});
}

void Log::make_room(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<LogFile> file = file_;
  lock.unlock();
  const Result<void> made = file->make_room(kRoomStep);
  lock.lock();
  if (made) {
    file->take_room(kRoomStep);
    if (full_) log::info("the audit log has room again");
    full_.reset();
  } else {
    retry_time_ = steady_clock::now() + kRetry;
    if (!full_) {
      log::failure(log::Level::error,
                   "the audit log can't get more room; when what it has is used up, changes are "
                   "refused",
                   made.error());
    }
    full_ = made.error();
  }
  room_made_.notify_all();
}

void Log::sync(std::unique_lock<std::mutex>& lock) {
  if (broken_ || !file_) return;
  const std::shared_ptr<LogFile> file = file_;
  const std::uint64_t target = last_.sequence;
  lock.unlock();
  const Result<void> synced = file->sync();
  lock.lock();
  if (!synced) {
    break_with(synced.error());
    return;
  }
  synced_ = std::max(synced_, target);
  wake(synced_, {});
}

// What a disk once failed to make durable is not durable because it says so the next time: the file
// is given up.
void Log::break_with(const Error& error) {
  log::failure(
      log::Level::error,
      "the audit log could not be made durable: changes are refused until a new file works", error);
  Measures::of_process().failures.add();
  broken_ = error;
  retry_time_ = steady_clock::now() + kRetry;
  if (last_.sequence > synced_) {
    const std::uint64_t first = synced_ + 1;
    if (!doubtful_.empty() && doubtful_.back().second + 1 >= first) {
      doubtful_.back().second = last_.sequence;
    } else {
      doubtful_.emplace_back(first, last_.sequence);
    }
    // What lies between two of them is doubted, too, before too many are kept.
    if (doubtful_.size() > kMostDoubtful) {
      doubtful_[1].first = doubtful_[0].first;
      doubtful_.erase(doubtful_.begin());
    }
  }
  wake(UINT64_MAX, std::unexpected(error));
  room_made_.notify_all();
}

bool Log::doubtful(std::uint64_t sequence) const {
  return std::ranges::any_of(doubtful_, [sequence](const auto& lines) {
    return sequence >= lines.first && sequence <= lines.second;
  });
}

Error Log::not_recorded(std::string where) {
  return {Code::unavailable,
          "the change could not be recorded in the audit log; it may have been made or not",
          std::move(where),
          {}};
}

void Log::wake(std::uint64_t up_to, const Result<void>& result) {
  std::vector<Waiter*> woken;
  const auto rest = std::ranges::partition(
      waiters_, [up_to](const Waiter* waiter) { return waiter->sequence > up_to; });
  woken.assign(rest.begin(), rest.end());
  waiters_.erase(rest.begin(), rest.end());
  if (woken.empty()) return;
  Measures::of_process().group.observe(woken.size());
  for (Waiter* waiter : woken) {
    if (!result) {
      waiter->result =
          std::unexpected(not_recorded(result.error().message + " " + result.error().where));
    }
    // From here on it may be gone at any time.
    const auto awaiting = waiter->awaiting;
    if (waiter->executor != nullptr) {
      waiter->executor->post([awaiting] { awaiting.resume(); });
    } else {
      mutex_.unlock();
      awaiting.resume();
      mutex_.lock();
    }
  }
}

void Log::turn_file(std::unique_lock<std::mutex>& lock) {
  const std::string draft = options_.folder + "/" + kDraftName;
  lock.unlock();
  Result<LogFile> made = LogFile::create(draft, options_.calls);
  Result<void> room;
  if (made) {
    room = made->make_room(kRoomStep);
    if (room) made->take_room(kRoomStep);
  } else {
    room = std::unexpected(made.error());
  }
  lock.lock();
  const std::string name = file_name(last_.sequence + 1);
  if (room && std::rename(draft.c_str(), (options_.folder + "/" + name).c_str()) != 0) {
    room = fail_errno(errno, "write the audit log", "audit.rename");
  }
  if (!room) {
    retry_time_ = steady_clock::now() + kRetry;
    log::failure(log::Level::error, "the audit log can't begin a new file", room.error());
    if (!file_ || broken_) {
      broken_ = room.error();
    } else {
      full_ = room.error();
    }
    room_made_.notify_all();
    return;
  }
  const std::shared_ptr<LogFile> before =
      std::exchange(file_, std::make_shared<LogFile>(std::move(*made)));
  name_ = name;
  file_begun_ = clock_.now();
  const std::uint64_t turned_behind = last_.sequence;
  const bool was_broken = broken_.has_value();
  broken_.reset();
  full_.reset();
  const Event first =
      was_broken && before
          ? own_event("log.damaged", "a disk failed: lines before this one may be missing")
          : own_event("log.turn");
  if (auto told = append_locked(first); !told) break_with(told.error());
  room_made_.notify_all();
  lock.unlock();
  Result<void> closed = before && !was_broken ? before->finish() : Result<void>{};
  if (auto named = sync_folder(options_.folder); !named && closed) closed = std::move(named);
  lock.lock();
  if (!closed) {
    break_with(closed.error());
    return;
  }
  if (was_broken) {
    synced_ = std::max(synced_, turned_behind);
    log::info("the audit log goes on in a new file", {{"file", name}});
  } else {
    synced_ = std::max(synced_, turned_behind);
    wake(synced_, {});
  }
  if (before)
    checkpoint_time_ =
        steady_clock::now() - options_.checkpoint_every;  // one soon, and told to the ordinary log
}

void Log::keep_checkpoint(std::unique_lock<std::mutex>& lock) {
  checkpoint_time_ = steady_clock::now();
  if (!file_ || broken_) return;
  Checkpoint checkpoint{last_, name_, file_->end()};
  if (synced_ < last_.sequence) {
    const std::shared_ptr<LogFile> file = file_;
    lock.unlock();
    const Result<void> synced = file->sync();
    lock.lock();
    if (!synced) {
      break_with(synced.error());
      return;
    }
    synced_ = std::max(synced_, checkpoint.last.sequence);
    wake(synced_, {});
  }
  const Time now = clock_.now();
  lock.unlock();
  const Result<void> written = write_checkpoint(options_.folder, checkpoint, now, seal_);
  lock.lock();
  if (!written) {
    log::failure(log::Level::warning, "the audit log's checkpoint could not be written",
                 written.error());
    return;
  }
  checkpointed_ = checkpoint.last;
  if (now - checkpoint_told_ >= std::chrono::hours(1) || checkpoint.file != told_file_) {
    checkpoint_told_ = now;
    told_file_ = checkpoint.file;
    log::info("the audit log is durable up to here",
              {{"sequence", std::to_string(checkpointed_.sequence)}, {"hash", checkpointed_.hash}});
  }
}

void Log::drop_old_files(std::unique_lock<std::mutex>& lock) {
  if (broken_ || (options_.keep_files == 0 && options_.keep_age.count() == 0)) return;
  const Time now = clock_.now();
  lock.unlock();
  const auto names = file_names(options_.folder);
  std::vector<std::string> old;
  for (std::size_t i = 0; names && i + 1 < names->size(); ++i) {
    struct stat status{};
    const std::string path = options_.folder + "/" + (*names)[i];
    if (::stat(path.c_str(), &status) != 0) break;
    const auto age = now - std::chrono::sys_seconds(std::chrono::seconds(status.st_mtime));
    const bool surplus = options_.keep_files > 0 && names->size() - i > options_.keep_files;
    const bool aged = options_.keep_age.count() > 0 && age > options_.keep_age;
    if (!surplus && !aged) break;
    old.push_back((*names)[i]);
  }
  lock.lock();
  for (std::size_t i = 0; i < old.size(); ++i) drop_file(lock, old[i], (*names)[i + 1]);
}

// First it is said, durably, then done: what is missing without a word was taken away by somebody
// else.
void Log::drop_file(std::unique_lock<std::mutex>& lock, const std::string& name,
                    const std::string& following) {
  Event event = own_event("log.removed", name + " was older than what is kept");
  event.of = first_of(following) - 1;
  if (!append_locked(event)) return;
  sync(lock);
  if (broken_) return;
  lock.unlock();
  ::unlink((options_.folder + "/" + name).c_str());
  lock.lock();
}

}  // namespace visor::audit
