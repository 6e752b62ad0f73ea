#include "async/executor.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

namespace visor::async {
namespace {

thread_local Executor* current_executor = nullptr;

// The executor of run_until_done: a queue and a list of timers on the calling thread.
class LocalExecutor final : public Executor {
 public:
  void post(std::move_only_function<void()> work) override {
    // Notified under the lock: the executor may be gone as soon as its thread sees the last work.
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    changed_.notify_one();
  }

  void post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
    changed_.notify_one();
  }

  void run_until(const bool& done) {
    const Scope scope(this);
    std::unique_lock lock(mutex_);
    while (!done) {
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
      std::vector<std::move_only_function<void()>> ready;
      ready.swap(queue_);
      lock.unlock();
      for (auto& work : ready) work();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::move_only_function<void()>> queue_;
  std::multimap<std::chrono::steady_clock::time_point, std::move_only_function<void()>> timers_;
};

Task<void> run_and_mark(Task<void> task, bool& done, std::exception_ptr& exception) {
  try {
    co_await std::move(task);
  } catch (const std::exception&) {
    exception = std::current_exception();
  }
  done = true;
}

}  // namespace

Executor* Executor::current() { return current_executor; }

Executor::Scope::Scope(Executor* executor) : previous_(current_executor) {
  current_executor = executor;
}
Executor::Scope::~Scope() { current_executor = previous_; }

void sleep_for::await_suspend(std::coroutine_handle<> awaiting) {
  Executor::current()->post_after(delay_, [awaiting] { awaiting.resume(); });
}

void detail::run_until_done(Task<void> task) {
  LocalExecutor executor;
  bool done = false;
  std::exception_ptr exception;
  executor.post([&] { detach(run_and_mark(std::move(task), done, exception), "run_until_done"); });
  executor.run_until(done);
  if (exception) std::rethrow_exception(exception);
}

}  // namespace visor::async
