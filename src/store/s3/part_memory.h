// The memory of parts on their way to object stores, bounded for all of them together.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "async/executor.h"
#include "async/task.h"
#include "base/error.h"

namespace visor::store {

/// Counts bytes; whoever wants more than is left waits in a line. Thread-safe; outlives its leases;
/// lives in a shared pointer.
class PartMemory : public std::enable_shared_from_this<PartMemory> {
 public:
  /// Gives its bytes back when it goes.
  class Lease {
   public:
    Lease() = default;
    Lease(PartMemory* memory, std::uint64_t bytes) : memory_(memory), bytes_(bytes) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    std::uint64_t bytes() const { return bytes_; }
    /// Takes the bytes of another lease over.
    void join(Lease other);

   private:
    PartMemory* memory_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  explicit PartMemory(std::uint64_t limit) : limit_(limit) {}

  std::uint64_t limit() const { return limit_; }
  std::uint64_t taken() const;

  /// Waits in line for `bytes`; `unavailable` if there are none after `patience`, `too_large` if
  /// there can never be. Called on an executor's thread and goes on there.
  async::Task<Result<Lease>> take(std::uint64_t bytes, std::chrono::milliseconds patience);

 private:
  struct Waiter {
    std::uint64_t bytes = 0;
    std::coroutine_handle<> coroutine;
    async::Executor* executor = nullptr;
    bool granted = false;
    bool done = false;
  };
  struct Wait;

  void give(std::uint64_t bytes);
  void serve();
  void give_up(const std::shared_ptr<Waiter>& waiter);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::uint64_t taken_ = 0;
  std::list<std::shared_ptr<Waiter>> line_;
};

}  // namespace visor::store
