// Threads on which parts are hashed, signed and sent.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "async/executor.h"
#include "async/task.h"

namespace visor::store {

/// An executor with a thread of its own, so that what is sent in the background depends on no
/// caller's thread. Thread-safe.
class PartLoop final : public async::Executor {
 public:
  PartLoop();
  /// Waits until every task has ended.
  ~PartLoop() override;
  PartLoop(const PartLoop&) = delete;
  PartLoop& operator=(const PartLoop&) = delete;

  void post(std::move_only_function<void()> work) override;
  void post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) override;
  /// Runs a task to its end here; nobody awaits it.
  void start(async::Task<void> task);

 private:
  async::Task<void> run_and_count(async::Task<void> task);
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::move_only_function<void()>> queue_;
  std::multimap<std::chrono::steady_clock::time_point, std::move_only_function<void()>> timers_;
  std::size_t tasks_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace visor::store
