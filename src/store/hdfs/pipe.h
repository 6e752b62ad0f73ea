// A stream that one task writes and another reads, each on its own executor.
#pragma once

#include <coroutine>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "async/byte_source.h"
#include "async/executor.h"
#include "async/task.h"
#include "base/error.h"

namespace visor::store {

/// One task waits, another wakes it, on whatever threads. A `notify` that comes first is kept.
class Signal {
 public:
  void notify();

  /// `co_await signal.wait()`: one waits at a time, with an executor to go on.
  class Waiting {
   public:
    explicit Waiting(Signal& signal) : signal_(signal) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiting);
    void await_resume() noexcept {}

   private:
    Signal& signal_;
  };
  Waiting wait() { return Waiting(*this); }

 private:
  std::mutex mutex_;
  bool notified_ = false;
  std::coroutine_handle<> waiting_;
  async::Executor* executor_ = nullptr;
};

/// Hands bytes over without keeping any: a write is done when they have been read. The pipe
/// outlives both its ends' tasks.
class Pipe : public async::ByteSource {
 public:
  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

  /// False if the reader has gone and not all was read.
  async::Task<bool> write(std::span<const std::byte> bytes);
  /// The writer's end: the reader gets what is left, and then the end.
  void finish();
  /// The writer's end when it must not look like one: the reader gets an error.
  void break_off();

  /// The reader's end: writes fail from now on.
  void reader_gone();

  /// How much has been read.
  std::uint64_t taken() const;

 private:
  enum class End { open, finished, broken };

  mutable std::mutex mutex_;
  std::span<const std::byte> offered_;
  End end_ = End::open;
  bool reader_gone_ = false;
  std::uint64_t taken_ = 0;
  Signal to_reader_;
  Signal to_writer_;
};

}  // namespace visor::store
