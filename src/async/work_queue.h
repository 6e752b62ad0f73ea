// What an executor's thread has to do: work and timers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace visor::async {

/// Work in the order in which it came, and work that is due later. `post` and `post_after` are for
/// any thread, `run_due` for one thread at a time. What was never run is dropped with the queue.
class WorkQueue {
 public:
  using Work = std::move_only_function<void()>;

  void post(Work work);
  /// Of what is due at the same time, the first that came is run first.
  void post_after(std::chrono::milliseconds delay, Work work);

  /// Waits until something is due, and runs all that is on the calling thread. What that posts
  /// waits for the next call.
  void run_due();
  /// Whether no work is ready to be run; timers don't count before they are due.
  bool idle() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<Work> take_due();
  void move_expired();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Work> ready_;
  std::multimap<Clock::time_point, Work> timers_;
};

}  // namespace visor::async
