#include "async/executor.h"

#include <utility>

#include "async/work_queue.h"

namespace visor::async {
namespace {

thread_local Executor* current_executor = nullptr;

// The executor of run_until_done: the calling thread.
class LocalExecutor final : public Executor {
 public:
  void post(std::move_only_function<void()> work) override { queue_.post(std::move(work)); }

  void post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) override {
    queue_.post_after(delay, std::move(work));
  }

  void run_until(const bool& done) {
    const Scope scope(this);
    while (!done) queue_.run_due();
  }

 private:
  WorkQueue queue_;
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
