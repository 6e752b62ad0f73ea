// Worker pools: where blocking calls go, so that no event loop ever waits for a disk or a database.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "base/error.h"

namespace visor::async {

/// A fixed number of threads with a bounded queue. Whoever awaits `run` is resumed on the executor
/// it came from. Safe to use from any thread. Destruction finishes what is queued, then joins.
class WorkerPool {
 public:
  /// Throws std::system_error if the system gives no more threads; none runs then.
  /// `name` shows in messages and thread names (at most 15 characters); `queue_limit` bounds what
  /// waits.
  WorkerPool(std::string name, std::size_t threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `work()` on a worker. `work` returns a Result<R>; a full queue gives `unavailable` (retry
  /// later) at once and `work` is not run. For the first step of an operation: this is where an
  /// overloaded server says no.
  template <class Work>
  Task<std::invoke_result_t<Work>> run(Work work) {
    return run_on(*this, std::move(work), true);
  }

  /// Runs `work()` on a worker and is never refused. For the later steps of something that was
  /// admitted already: each such operation has at most a few steps queued, so the queue stays
  /// bounded by the number of operations.
  template <class Work>
  Task<std::invoke_result_t<Work>> run_admitted(Work work) {
    return run_on(*this, std::move(work), false);
  }

  /// Queues `work` to run on a worker; nobody is told when it is done. Never refused.
  void post(std::move_only_function<void()> work);

  std::size_t queued() const;
  std::size_t threads() const { return threads_.size(); }
  const std::string& name() const { return name_; }

 private:
  struct Job {
    virtual void execute() noexcept = 0;

   protected:
    ~Job() = default;
  };

  template <class Work>
  struct Step final : Job {
    using Value = std::invoke_result_t<Work>;

    Step(WorkerPool& in_pool, Work& the_work, bool refusable)
        : pool(in_pool), work(the_work), may_refuse(refusable) {}
    bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      awaiting = handle;
      executor = Executor::current();
      if (pool.enqueue(this, may_refuse)) return true;
      value.emplace(pool.refusal());
      return false;
    }
    Value await_resume() {
      if (exception) std::rethrow_exception(exception);
      return std::move(*value);
    }
    void execute() noexcept override {
      try {
        value.emplace(work());
      } catch (...) {
        exception = std::current_exception();
      }
      // After post() this object may be gone: the coroutine goes on at once in its own thread.
      auto handle = awaiting;
      if (executor) {
        executor->post([handle] { handle.resume(); });
      } else {
        handle.resume();
      }
    }

    WorkerPool& pool;
    Work& work;
    bool may_refuse;
    Executor* executor = nullptr;
    std::coroutine_handle<> awaiting;
    std::optional<Value> value;
    std::exception_ptr exception;
  };

  template <class Work>
  static Task<std::invoke_result_t<Work>> run_on(WorkerPool& pool, Work work, bool refusable) {
    Step<Work> step(pool, work, refusable);
    co_return co_await step;
  }

  bool enqueue(Job* job, bool may_refuse);
  std::unexpected<Error> refusal() const;
  void work_until_stopped();
  void stop();

  const std::string name_;
  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable available_;
  std::deque<Job*> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace visor::async
