#include "store/s3/part_loop.h"

#include <pthread.h>

#include <csignal>
#include <exception>
#include <utility>

#include "base/log.h"

namespace visor::store {

PartLoop::PartLoop() : thread_([this] { run(); }) {}

PartLoop::~PartLoop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

void PartLoop::post(std::move_only_function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  changed_.notify_one();
}

void PartLoop::post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) {
  const std::lock_guard lock(mutex_);
  timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
  changed_.notify_one();
}

void PartLoop::start(async::Task<void> task) {
  const std::lock_guard lock(mutex_);
  ++tasks_;
  queue_.push_back([this, task = std::move(task)]() mutable {
    async::detach(run_and_count(std::move(task)), "s3.part");
  });
  changed_.notify_one();
}

async::Task<void> PartLoop::run_and_count(async::Task<void> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& error) {
    log::error("a part on its way to an object store failed", {{"reason", error.what()}});
  }
  const std::lock_guard lock(mutex_);
  --tasks_;
  changed_.notify_one();
}

void PartLoop::run() {
  ::pthread_setname_np(::pthread_self(), "s3");
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const Scope scope(this);
  std::unique_lock lock(mutex_);
  while (!stopping_ || tasks_ > 0 || !queue_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      queue_.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    if (queue_.empty()) {
      if (timers_.empty()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, timers_.begin()->first);
      }
      continue;
    }
    auto ready = std::exchange(queue_, {});
    lock.unlock();
    for (auto& work : ready) work();
    ready.clear();
    lock.lock();
  }
}

}  // namespace visor::store
