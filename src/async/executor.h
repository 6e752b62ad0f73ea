// Executors: where a coroutine goes on after it waited.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>

#include "async/task.h"

namespace visor::async {

/// A thread that runs coroutines one at a time: an event loop of the server, or the loop of
/// `run_until_done` in tests and tools. `post` may be called from any thread; what it is given runs
/// on the executor's thread, in order.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(std::move_only_function<void()> work) = 0;
  /// Runs `work` on this thread after `delay`. Only from the executor's own thread.
  virtual void post_after(std::chrono::milliseconds delay,
                          std::move_only_function<void()> work) = 0;

  /// The executor whose thread this is, or null (a pool's worker).
  static Executor* current();

 protected:
  /// Marks the calling thread as this executor's, until the returned object goes.
  class Scope {
   public:
    explicit Scope(Executor* executor);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Executor* previous_;
  };
};

/// `co_await sleep_for(delay)`: resumes on the same executor after the delay. Needs a current
/// executor.
class sleep_for {
 public:
  explicit sleep_for(std::chrono::milliseconds delay) : delay_(delay) {}
  bool await_ready() const noexcept { return delay_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> awaiting);
  void await_resume() noexcept {}

 private:
  std::chrono::milliseconds delay_;
};

namespace detail {
void run_until_done(Task<void> task);
}

/// Runs a task to its end on the calling thread with a small executor of its own, and returns its
/// value. For tests, command-line tools and start-up; never on a thread that already has an
/// executor.
template <class T>
T run_until_done(Task<T> task) {
  std::optional<T> value;
  auto body = [](Task<T> inner, std::optional<T>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  };
  detail::run_until_done(body(std::move(task), value));
  return std::move(*value);
}
inline void run_until_done(Task<void> task) { detail::run_until_done(std::move(task)); }

}  // namespace visor::async
