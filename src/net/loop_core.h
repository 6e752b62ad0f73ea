// Private to this folder: what an event loop is made of.
#pragma once

#include <atomic>
#include <coroutine>
#include <deque>
#include <functional>
#include <thread>
#include <unordered_set>

#include "net/asio.h"
#include "net/deadlines.h"
#include "net/event_loop.h"

namespace visor::net {

struct EventLoop::Core {
  explicit Core(EventLoop& the_loop) : loop(the_loop) {}

  /// Sets or moves a deadline. On the loop's thread, or before it starts.
  void arm(Deadlines::Node& node, Deadlines::TimePoint time);

  void watch_deadlines();

  /// Queues who moves much behind the others that do. One is resumed at a time, and the loop looks
  /// for events between two: what has just arrived never waits for more than one turn. On the
  /// loop's thread.
  void wait_for_turn(std::coroutine_handle<> handle);
  void give_next_turn();

  struct Delayed;

  EventLoop& loop;
  // All reactor work is done by the loop's own thread; only post() comes from others, and that is
  // always locked.
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<LoopExecutor> guard{context.get_executor()};
  Deadlines deadlines;
  SteadyTimer timer{context.get_executor()};
  Deadlines::TimePoint watched = Deadlines::TimePoint::max();  ///< when `timer` goes off next
  std::unordered_set<Delayed*> delayed;
  std::deque<std::coroutine_handle<>> turns;  ///< who waits for one
  bool turn_posted = false;
  bool stopping = false;
  std::atomic<bool> stop_asked = false;
  std::thread thread;
};

}  // namespace visor::net
