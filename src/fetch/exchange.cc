#include "fetch/exchange.h"

#include <utility>

#include "base/units.h"

namespace visor::fetch {
namespace {

constexpr std::size_t kMostReceived = 512 * kKiB;
constexpr std::size_t kMostToSend = 256 * kKiB;
constexpr std::size_t kLeastToSend = 64 * kKiB;  ///< free, before more is read

}  // namespace

Exchange::Exchange() : received_(kMostReceived), to_send_(kMostToSend) {}

bool Exchange::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  const std::lock_guard lock(exchange.mutex_);
  if (exchange.ready(awaited)) return false;
  exchange.waiting_ = awaiting;
  exchange.awaited_ = awaited;
  exchange.executor_ = async::Executor::current();
  return true;
}

bool Exchange::ready(Awaited awaited) const {
  if (finished_) return true;
  if (awaited == Awaited::head) return head_seen_;
  if (awaited == Awaited::body) return received_.count() > 0;
  return sending_refused_ || (sending_wanted_ && to_send_.room() >= kLeastToSend);
}

async::Task<Result<ResponseHead>> Exchange::head() {
  Wait wait{*this, Awaited::head};
  co_await wait;
  const std::lock_guard lock(mutex_);
  if (head_) co_return std::move(*head_);
  co_return std::unexpected(failure_->error);
}

async::Task<Result<std::size_t>> Exchange::read(std::span<std::byte> into) {
  if (into.empty()) co_return std::size_t{0};
  Wait wait{*this, Awaited::body};
  co_await wait;
  const std::lock_guard lock(mutex_);
  if (received_.count() > 0) co_return received_.take(into);
  if (failure_) co_return std::unexpected(failure_->error);
  co_return std::size_t{0};
}

bool Exchange::take_room_again() {
  const std::lock_guard lock(mutex_);
  if (!paused_ || received_.count() > kMostReceived / 2) return false;
  paused_ = false;
  return true;
}

void Exchange::put_head(ResponseHead head) {
  Waiter waiter;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    head_ = std::move(head);
    head_seen_ = true;
    // A success may come while the body is still on its way; anything else ends the sending.
    sending_refused_ = head_->status >= 300;
    waiter = take_waiter();
  }
  waiter.resume();
}

bool Exchange::put(std::span<const std::byte> bytes) {
  Waiter waiter;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return true;
    if (bytes.size() > received_.room()) {
      paused_ = true;
      return false;
    }
    received_.put(bytes);
    waiter = take_waiter();
  }
  waiter.resume();
  return true;
}

async::Task<std::span<std::byte>> Exchange::room_to_send() {
  Wait wait{*this, Awaited::room_to_send};
  co_await wait;
  const std::lock_guard lock(mutex_);
  if (finished_ || sending_refused_) co_return std::span<std::byte>();
  co_return to_send_.free_space();
}

bool Exchange::filled(std::size_t count, bool last) {
  const std::lock_guard lock(mutex_);
  to_send_.grow(count);
  all_filled_ = last;
  return std::exchange(sending_waits_, false);
}

std::optional<std::size_t> Exchange::take_to_send(std::span<std::byte> into) {
  Waiter waiter;
  std::optional<std::size_t> count;
  {
    const std::lock_guard lock(mutex_);
    sending_wanted_ = true;
    if (to_send_.count() > 0 || all_filled_) {
      count = to_send_.take(into);
    } else {
      sending_waits_ = true;
    }
    waiter = take_waiter();
  }
  waiter.resume();
  return count;
}

void Exchange::finish(std::optional<Failure> failure) {
  Waiter waiter;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    failure_ = std::move(failure);
    if (!head_seen_ && !failure_) {
      failure_ = Failure{
          {Code::internal, "the remote server's answer has no head", "fetch", Retry::never}};
    }
    waiter = take_waiter();
  }
  waiter.resume();
}

Exchange::Waiter Exchange::take_waiter() {
  if (!waiting_ || !ready(awaited_)) return {};
  return {std::exchange(waiting_, {}), executor_};
}

void Exchange::Waiter::resume() const {
  if (!coroutine) return;
  if (executor != nullptr) {
    executor->post([handle = coroutine] { handle.resume(); });
  } else {
    coroutine.resume();
  }
}

}  // namespace visor::fetch
