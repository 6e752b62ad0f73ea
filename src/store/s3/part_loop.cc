#include "store/s3/part_loop.h"

#include <pthread.h>

#include <csignal>
#include <exception>
#include <utility>

#include "base/log.h"

namespace visor::store {

PartLoop::PartLoop() : thread_([this] { run(); }) {}

PartLoop::~PartLoop() {
  queue_.post([this] { stopping_ = true; });
  thread_.join();
}

void PartLoop::post(std::move_only_function<void()> work) { queue_.post(std::move(work)); }

void PartLoop::post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) {
  queue_.post_after(delay, std::move(work));
}

void PartLoop::start(async::Task<void> task) {
  queue_.post([this, task = std::move(task)]() mutable {
    ++tasks_;
    async::detach(run_and_count(std::move(task)), "s3.part");
  });
}

async::Task<void> PartLoop::run_and_count(async::Task<void> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& error) {
    log::error("a part on its way to an object store failed", {{"reason", error.what()}});
  }
  // It may have ended on another thread.
  queue_.post([this] { --tasks_; });
}

void PartLoop::run() {
  ::pthread_setname_np(::pthread_self(), "s3");
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const Scope scope(this);
  while (!stopping_ || tasks_ > 0 || !queue_.idle()) queue_.run_due();
}

}  // namespace visor::store
