// Threads on which parts are hashed, signed and sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>

#include "async/executor.h"
#include "async/task.h"
#include "async/work_queue.h"

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

  async::WorkQueue queue_;
  // Of the loop's own thread.
  std::size_t tasks_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace visor::store
