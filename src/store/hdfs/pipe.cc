#include "store/hdfs/pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace visor::store {

void Signal::notify() {
  std::coroutine_handle<> waiting;
  async::Executor* executor = nullptr;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::exchange(waiting_, {});
    executor = executor_;
    notified_ = !waiting;
  }
  // The signal may be gone as soon as the task goes on.
  if (waiting) executor->post([waiting] { waiting.resume(); });
}

bool Signal::Waiting::await_suspend(std::coroutine_handle<> awaiting) {
  const std::lock_guard lock(signal_.mutex_);
  if (std::exchange(signal_.notified_, false)) return false;
  signal_.waiting_ = awaiting;
  signal_.executor_ = async::Executor::current();
  return true;
}

async::Task<Result<std::size_t>> Pipe::read(std::span<std::byte> into) {
  if (into.empty()) co_return std::size_t{0};
  while (true) {
    std::size_t count = 0;
    bool emptied = false;
    {
      const std::lock_guard lock(mutex_);
      if (end_ == End::broken) {
        co_return fail(Code::cancelled, "the upload was given up", "hdfs.pipe");
      }
      if (!offered_.empty()) {
        count = std::min(into.size(), offered_.size());
        std::memcpy(into.data(), offered_.data(), count);
        offered_ = offered_.subspan(count);
        taken_ += count;
        emptied = offered_.empty();
      } else if (end_ == End::finished) {
        co_return std::size_t{0};
      }
    }
    if (emptied) to_writer_.notify();
    if (count > 0) co_return count;
    co_await to_reader_.wait();
  }
}

async::Task<bool> Pipe::write(std::span<const std::byte> bytes) {
  if (bytes.empty()) co_return true;
  {
    const std::lock_guard lock(mutex_);
    if (reader_gone_ || end_ != End::open) co_return false;
    offered_ = bytes;
  }
  to_reader_.notify();
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (offered_.empty()) co_return true;
      if (reader_gone_) {
        offered_ = {};
        co_return false;
      }
    }
    co_await to_writer_.wait();
  }
}

void Pipe::finish() {
  {
    const std::lock_guard lock(mutex_);
    if (end_ == End::open) end_ = End::finished;
  }
  to_reader_.notify();
}

void Pipe::break_off() {
  {
    const std::lock_guard lock(mutex_);
    end_ = End::broken;
    offered_ = {};
  }
  to_reader_.notify();
}

void Pipe::reader_gone() {
  {
    const std::lock_guard lock(mutex_);
    reader_gone_ = true;
  }
  to_writer_.notify();
}

std::uint64_t Pipe::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

}  // namespace visor::store
