// Work that is done again and again in the background.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace visor::app {

/// Calls `work` every `period` on a thread of its own, until it goes; then waits for the call under
/// way. `work` may block.
class PeriodicTask {
 public:
  /// When `work` is called for the first time.
  enum class First { after_a_period, at_once };

  PeriodicTask(std::chrono::milliseconds period, std::function<void()> work,
               First first = First::after_a_period);
  ~PeriodicTask();
  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

 private:
  void run();

  const std::chrono::milliseconds period_;
  const std::function<void()> work_;
  const First first_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace visor::app
