#include "async/work_queue.h"

#include <utility>

namespace visor::async {

void WorkQueue::post(Work work) {
  // Notified under the lock: the queue may be gone as soon as its thread sees the last work.
  const std::lock_guard lock(mutex_);
  ready_.push_back(std::move(work));
  changed_.notify_one();
}

void WorkQueue::post_after(std::chrono::milliseconds delay, Work work) {
  const std::lock_guard lock(mutex_);
  timers_.emplace(Clock::now() + delay, std::move(work));
  changed_.notify_one();
}

void WorkQueue::run_due() {
  std::vector<Work> due = take_due();
  for (Work& work : due) work();
}

bool WorkQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return ready_.empty();
}

std::vector<WorkQueue::Work> WorkQueue::take_due() {
  std::unique_lock lock(mutex_);
  for (move_expired(); ready_.empty(); move_expired()) {
    if (timers_.empty()) {
      changed_.wait(lock);
    } else {
      // A copy: while it waits, others may add timers before this one.
      const Clock::time_point next = timers_.begin()->first;
      changed_.wait_until(lock, next);
    }
  }
  return std::exchange(ready_, {});
}

void WorkQueue::move_expired() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    ready_.push_back(std::move(timers_.begin()->second));
    timers_.erase(timers_.begin());
  }
}

}  // namespace visor::async
