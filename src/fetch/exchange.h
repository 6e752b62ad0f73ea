// One HTTP exchange between the loop's thread, which puts in, and a coroutine, which takes out.
// Private to this folder.
#pragma once

#include <coroutine>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>

#include "async/executor.h"
#include "async/task.h"
#include "base/error.h"
#include "fetch/response.h"
#include "fetch/ring.h"

namespace visor::fetch {

class Exchange {
 public:
  Exchange();

  /// How an exchange failed, for who decides whether to try again.
  struct Failure {
    Error error;
    bool unconnected = false;  ///< no connection came about
    bool repeatable = false;   ///< it broke before the head, in a way that another try may not
  };

  /// Waits for the head. Once.
  async::Task<Result<ResponseHead>> head();
  /// How it failed; only after `head` gave an error.
  const Failure& failure() const { return *failure_; }
  /// As ByteSource::read.
  async::Task<Result<std::size_t>> read(std::span<std::byte> into);
  /// Whether the loop paused the transfer and there is room again; true once a pause.
  bool take_room_again();

  /// Waits until the loop wants bytes of the request's body: where to put them. Empty: none are
  /// wanted any more, since the server refused them or the exchange has ended.
  async::Task<std::span<std::byte>> room_to_send();
  /// `count` bytes were put there; `last`: the body ends with them. Whether the loop waits for
  /// them.
  bool filled(std::size_t count, bool last);

  // Of the loop's thread:
  void put_head(ResponseHead head);
  /// False if there is no room for all of `bytes`; none is taken then.
  bool put(std::span<const std::byte> bytes);
  /// Bytes of the request's body; none: its end. Nothing if they are not there yet: whoever puts
  /// them is told that the loop waits.
  std::optional<std::size_t> take_to_send(std::span<std::byte> into);
  /// The end; later calls have no effect.
  void finish(std::optional<Failure> failure);

 private:
  enum class Awaited { head, body, room_to_send };
  struct Wait {
    Exchange& exchange;
    Awaited awaited;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiting);
    void await_resume() const noexcept {}
  };

  struct Waiter {
    std::coroutine_handle<> coroutine;
    async::Executor* executor = nullptr;
    void resume() const;
  };

  bool ready(Awaited awaited) const;
  /// Who waits, if what it waits for is there, taken under the lock under which that became true: a
  /// waiter that came later waits for more.
  Waiter take_waiter();

  std::mutex mutex_;
  std::optional<ResponseHead> head_;
  std::optional<Failure> failure_;
  bool head_seen_ = false;
  bool finished_ = false;
  bool paused_ = false;
  Ring received_;
  Ring to_send_;
  bool sending_wanted_ = false;   ///< the loop has asked for the request's body
  bool sending_waits_ = false;    ///< the loop waits for more of it
  bool sending_refused_ = false;  ///< the server answered with no success: the rest is not wanted
  bool all_filled_ = false;
  std::coroutine_handle<> waiting_;
  Awaited awaited_ = Awaited::head;
  async::Executor* executor_ = nullptr;
};

}  // namespace visor::fetch
