// Event loops: one thread each, on which connections live from their first byte to their last.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"

namespace visor::net {

/// One thread that waits for sockets and timers and runs what they wake. What lives on a loop is
/// touched by its thread alone.
class EventLoop final : public async::Executor {
 public:
  EventLoop();
  /// Stops and joins.
  ~EventLoop() override;

  void post(std::move_only_function<void()> work) override;
  void post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) override;

  /// Starts the thread. `name` shows in thread lists (at most 15 characters). Signals are blocked
  /// in it.
  void start(const std::string& name);
  /// Ends the loop once nothing is pending on it: every pending `post_after` runs at once, and
  /// whoever has a transport or a listener on the loop must have closed it. From any thread; the
  /// second call does nothing.
  void stop();
  /// Waits for the thread's end. Not from the loop's own thread.
  void join();

  struct Core;
  /// For this folder.
  Core& core() { return *core_; }

 private:
  std::unique_ptr<Core> core_;
};

/// Several loops, started and stopped together.
class EventLoops {
 public:
  /// `count` loops; 0 takes one for each processor that this process may use.
  explicit EventLoops(std::size_t count);

  void start();
  void stop_and_join();

  std::size_t size() const { return loops_.size(); }
  EventLoop& operator[](std::size_t index) { return *loops_[index]; }

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
};

}  // namespace visor::net
