#include "store/s3/part_memory.h"

#include <utility>

namespace visor::store {

PartMemory::Lease::Lease(Lease&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

PartMemory::Lease& PartMemory::Lease::operator=(Lease&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

PartMemory::Lease::~Lease() {
  if (memory_ != nullptr && bytes_ > 0) memory_->give(bytes_);
}

void PartMemory::Lease::join(Lease other) {
  if (memory_ == nullptr) memory_ = other.memory_;
  bytes_ += std::exchange(other.bytes_, 0);
}

struct PartMemory::Wait {
  PartMemory& memory;
  std::shared_ptr<Waiter> waiter;
  std::chrono::milliseconds patience;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    auto* const executor = async::Executor::current();
    {
      const std::lock_guard lock(memory.mutex_);
      if (memory.line_.empty() && memory.taken_ + waiter->bytes <= memory.limit_) {
        memory.taken_ += waiter->bytes;
        waiter->granted = true;
        return false;
      }
    }
    // Set before the waiter stands in the line, where another thread may serve it at once. A timer
    // that comes after that finds the waiter done.
    executor->post_after(patience, [from = memory.weak_from_this(), late = waiter] {
      if (const auto owner = from.lock()) owner->give_up(late);
    });
    const std::lock_guard lock(memory.mutex_);
    waiter->coroutine = awaiting;
    waiter->executor = executor;
    memory.line_.push_back(waiter);
    memory.serve();
    return true;
  }
  void await_resume() const noexcept {}
};

async::Task<Result<PartMemory::Lease>> PartMemory::take(std::uint64_t bytes,
                                                        std::chrono::milliseconds patience) {
  if (bytes > limit_) {
    co_return fail(
        Code::too_large,
        "the image needs larger parts than the memory for uploads to object stores holds",
        "s3.memory bytes=" + std::to_string(bytes));
  }
  auto waiter = std::make_shared<Waiter>();
  waiter->bytes = bytes;
  Wait wait{*this, waiter, patience};
  co_await wait;
  if (waiter->granted) co_return Lease(this, bytes);
  co_return fail(Code::unavailable,
                 "too many uploads to object stores are under way: try again later", "s3.memory");
}

std::uint64_t PartMemory::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

void PartMemory::give(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  taken_ -= bytes;
  serve();
}

void PartMemory::serve() {
  while (!line_.empty() && taken_ + line_.front()->bytes <= limit_) {
    const auto waiter = line_.front();
    line_.pop_front();
    taken_ += waiter->bytes;
    waiter->granted = waiter->done = true;
    waiter->executor->post([coroutine = waiter->coroutine] { coroutine.resume(); });
  }
}

void PartMemory::give_up(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter->done) return;
  waiter->done = true;
  line_.remove(waiter);
  waiter->executor->post([coroutine = waiter->coroutine] { coroutine.resume(); });
  serve();
}

}  // namespace visor::store
