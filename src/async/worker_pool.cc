#include "async/worker_pool.h"

#include <pthread.h>

#include <system_error>
#include <utility>

namespace visor::async {

WorkerPool::WorkerPool(std::string name, std::size_t threads, std::size_t queue_limit)
    : name_(std::move(name)), queue_limit_(queue_limit) {
  threads_.reserve(threads);
  try {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work_until_stopped(); });
      pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
    }
  } catch (const std::system_error&) {
    // The system gives no more threads. Those that run already must not outlive the pool.
    stop();
    throw;
  }
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  available_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerPool::post(std::move_only_function<void()> work) {
  struct Posted final : Job {
    explicit Posted(std::move_only_function<void()> the_work) : work(std::move(the_work)) {}
    void execute() noexcept override {
      work();
      delete this;
    }
    std::move_only_function<void()> work;
  };
  enqueue(new Posted(std::move(work)), false);
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

bool WorkerPool::enqueue(Job* job, bool may_refuse) {
  {
    const std::lock_guard lock(mutex_);
    if (may_refuse && queue_.size() >= queue_limit_) return false;
    queue_.push_back(job);
  }
  available_.notify_one();
  return true;
}

std::unexpected<Error> WorkerPool::refusal() const {
  return fail(Code::unavailable, "the server is busy; try again in a moment",
              "pool " + name_ + " has " + std::to_string(queue_limit_) + " waiting");
}

void WorkerPool::work_until_stopped() {
  while (true) {
    Job* job = nullptr;
    {
      std::unique_lock lock(mutex_);
      available_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = queue_.front();
      queue_.pop_front();
    }
    job->execute();
  }
}

}  // namespace visor::async
