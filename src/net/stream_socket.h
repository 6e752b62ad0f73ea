// Private to this folder: a socket on an event loop, as every transport needs it.
#pragma once

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <string>

#include "net/loop_core.h"
#include "net/transport.h"

namespace visor::net {

/// A non-blocking stream socket, which it owns, with a deadline, a way to cancel, and turns among
/// the connections of its loop. Whoever operates on it tries first and awaits readiness only when
/// the kernel says that it would block. Not thread-safe; one awaiter at a time.
class StreamSocket {
 public:
  enum class State : std::uint8_t { open, timeout, cancelled, closed };

  /// Switches TCP_NODELAY on. Throws if the system can't watch one more descriptor; the socket is
  /// closed then.
  StreamSocket(EventLoop& loop, int socket);
  ~StreamSocket() { core_.deadlines.disarm(deadline_node_); }
  StreamSocket(const StreamSocket&) = delete;
  StreamSocket& operator=(const StreamSocket&) = delete;

  int get() { return descriptor_.native_handle(); }
  bool is_open() const { return descriptor_.is_open(); }

  /// Whether the next operation may begin: a deadline counts only for what has to wait.
  State ended_state() const {
    if (cancelled_) return State::cancelled;
    return descriptor_.is_open() ? State::open : State::closed;
  }

  /// Suspends until the socket is ready, the deadline has passed, or cancel() was called.
  struct Wait {
    StreamSocket& socket;
    Descriptor::wait_type type;

    bool await_ready() const noexcept { return socket.wait_state() != State::open; }
    void await_suspend(std::coroutine_handle<> handle);
    State await_resume() const noexcept { return socket.wait_state(); }
  };
  Wait readable() { return {*this, Descriptor::wait_read}; }
  Wait writable() { return {*this, Descriptor::wait_write}; }

  /// Waits behind all others of the loop that move much, and behind every event.
  struct Turn {
    StreamSocket& socket;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const noexcept {}
  };
  Turn turn() { return {*this}; }
  /// Whether so much was moved without a pause that the loop's other connections get their turn.
  bool turn_is_over() const { return turn_ >= turn_size(); }
  void moved(std::uint64_t bytes) { turn_ += bytes; }
  /// How many bytes a turn has: few system calls among few, short waits among many.
  std::uint64_t turn_size() const {
    return std::clamp(kRound / (core_.turns.size() + 1), kShortestTurn, kLongestTurn);
  }
  static constexpr std::uint64_t kLongestTurn = 1 << 20;
  static constexpr std::uint64_t kShortestTurn = 256 << 10;
  // Of all who wait together, as long as turns can be made shorter for it.
  static constexpr std::uint64_t kRound = 16 << 20;

  void set_deadline(SteadyTime time);
  void clear_deadline();
  SteadyTime deadline() const { return deadline_; }
  void cancel();

  void shutdown_send();
  void close();
  void abort();

  static bool would_block(int error);
  static std::unexpected<Error> failure(State state, const char* operation);
  static std::unexpected<Error> system_failure(int error, const char* operation);

 private:
  struct DeadlineNode : Deadlines::Node {
    explicit DeadlineNode(StreamSocket& the_owner) : Node(&StreamSocket::fired), owner(the_owner) {}
    StreamSocket& owner;
  };

  State wait_state() const {
    const State state = ended_state();
    return state == State::open && expired_ ? State::timeout : state;
  }
  static void fired(Deadlines::Node& node);
  void wake();

  EventLoop::Core& core_;
  Descriptor descriptor_;
  DeadlineNode deadline_node_;
  SteadyTime deadline_ = SteadyTime::max();
  std::coroutine_handle<> waiting_;
  std::uint64_t turn_ = 0;  // bytes moved since the loop last had the word
  bool expired_ = false;
  bool cancelled_ = false;
};

}  // namespace visor::net
