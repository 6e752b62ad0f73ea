// The audit log of a running server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "audit/event.h"
#include "audit/log_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/units.h"

namespace visor::audit {

struct Options {
  std::string folder;   ///< made if it is missing
  bool durable = true;  ///< whether changes wait until their line survives power loss
  std::uint64_t rotate_size = 64 * kMiB;    ///< a file is full behind this size
  std::chrono::milliseconds rotate_age{0};  ///< and after this time; 0: at any age
  std::size_t keep_files = 0;               ///< the newest so many files are kept; 0: all
  std::chrono::milliseconds keep_age{0};    ///< files untouched for longer go; 0: never
  std::chrono::milliseconds checkpoint_every{10'000};
  Calls calls;  ///< for tests
};

/// Writes the log, in one process at a time. Lines are appended at once by whoever has something to
/// tell (a few microseconds, no disk); one thread of its own makes them durable, all that wait
/// together, makes room ahead, begins new files and removes old ones. Thread-safe.
///
/// While the log can't be written, `append` fails with `no_space` or `unavailable` and a sentence
/// that is safe to show; it tries again by itself.
class Log {
 public:
  /// Goes on with the log in the folder, puts right what a crash left, and says in the log what it
  /// found. Errors are sentences for the operator: a folder that can't be used, another process on
  /// it (`conflict`). A disk without room is none: the log then refuses until there is some.
  static Result<std::unique_ptr<Log>> open(Options options, Seal seal,
                                           const Clock& clock = Clock::system());
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Says in the log that it stops, makes all of it durable and lets another process write it.
  /// Nobody may wait any more; what is told from now on is refused. Blocks; done once.
  void close();

  /// Appends a line that others will wait for: with `durable`, it is made to last at once. Gives
  /// its sequence number. Does not wait.
  Result<std::uint64_t> append_awaited(const Event& event) { return append(event, true); }
  /// Appends a line that nobody waits for; it outlives the process, and power loss some seconds
  /// later.
  Result<std::uint64_t> append(const Event& event) { return append(event, false); }

  /// Waits until a line is as durable as configured.
  async::Task<Result<void>> settled(std::uint64_t sequence);

  /// Whether changes can be told: the error that `append` would give, or nothing.
  Result<void> ready() const;
  /// The newest line.
  Link last() const;

 private:
  struct Waiter {
    std::uint64_t sequence = 0;
    async::Executor* executor = nullptr;
    std::coroutine_handle<> awaiting;
    Result<void> result;
  };
  struct Settling;

  Log(Options options, Seal seal, const Clock& clock, int lock);

  Result<std::uint64_t> append(const Event& event, bool awaited);
  Result<Link> append_locked(const Event& event);
  Result<void> begin(const std::vector<Event>& remarks);

  // All of these run on the log's thread, with the lock held where they are called.
  void run();
  bool work_waits() const;
  void make_room(std::unique_lock<std::mutex>& lock);
  void sync(std::unique_lock<std::mutex>& lock);
  void turn_file(std::unique_lock<std::mutex>& lock);
  void keep_checkpoint(std::unique_lock<std::mutex>& lock);
  void drop_old_files(std::unique_lock<std::mutex>& lock);
  void drop_file(std::unique_lock<std::mutex>& lock, const std::string& name,
                 const std::string& following);
  void break_with(const Error& error);
  bool doubtful(std::uint64_t sequence) const;
  static Error not_recorded(std::string where);
  void wake(std::uint64_t up_to, const Result<void>& result);
  bool file_full() const;
  bool checkpoint_due() const;

  static constexpr std::uint64_t kRoomStep = 1 * kMiB;
  /// More room is made when there is less than this.
  static constexpr std::uint64_t kLowRoom = 512 * kKiB;

  const Options options_;
  const Seal seal_;
  const Clock& clock_;
  int lock_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_made_;
  std::shared_ptr<LogFile> file_;  ///< null until there is one
  std::string name_;
  Time file_begun_{};
  Link last_;
  std::uint64_t wanted_ = 0;  ///< to be durable soon
  std::uint64_t synced_ = 0;  ///< durable up to here, but for what is doubtful
  /// First and last of lines that a failing disk may have taken, in their order.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> doubtful_;
  Link checkpointed_;
  std::chrono::steady_clock::time_point checkpoint_time_;
  std::chrono::steady_clock::time_point retry_time_;
  Time checkpoint_told_{};  ///< to the ordinary log
  std::string told_file_;
  std::optional<Error> broken_;  ///< why the file can't be used any more
  std::optional<Error> full_;    ///< why there is no more room than what is left
  std::vector<Waiter*> waiters_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace visor::audit
