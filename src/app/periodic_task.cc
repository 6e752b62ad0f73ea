#include "app/periodic_task.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace visor::app {

PeriodicTask::PeriodicTask(std::chrono::milliseconds period, std::function<void()> work,
                           First first)
    : period_(period), work_(std::move(work)), first_(first), thread_([this] { run(); }) {}

PeriodicTask::~PeriodicTask() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void PeriodicTask::run() {
  std::unique_lock lock(mutex_);
  auto pause = first_ == First::at_once ? std::chrono::milliseconds(0) : period_;
  while (!stopped_.wait_for(lock, std::exchange(pause, period_), [this] { return stopping_; })) {
    lock.unlock();
    try {
      work_();
    } catch (const std::exception& defect) {
      // Memory may have run out for a moment: no reason to end the process.
      log::error("work in the background ended with an exception", {{"what", defect.what()}});
    }
    lock.lock();
  }
}

}  // namespace visor::app
