#include "client/pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace visor::client {

Outcome<void> Pipe::write(std::span<const std::byte> bytes) {
  std::unique_lock lock(mutex_);
  while (!bytes.empty()) {
    changed_.wait(lock, [this] { return left_ || filled_ < ring_.size(); });
    if (left_) return local_failure(Code::cancelled, "the data is not wanted any more");
    const std::size_t at = (begin_ + filled_) % ring_.size();
    const std::size_t room = std::min(ring_.size() - filled_, ring_.size() - at);
    const std::size_t count = std::min(room, bytes.size());
    std::memcpy(ring_.data() + at, bytes.data(), count);
    filled_ += count;
    bytes = bytes.subspan(count);
    changed_.notify_all();
  }
  return {};
}

void Pipe::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void Pipe::fail(Failure failure) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
  changed_.notify_all();
}

Outcome<std::size_t> Pipe::read(std::span<std::byte> into) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failure_ || finished_ || filled_ > 0; });
  if (failure_) return std::unexpected<Failure>(*failure_);
  const std::size_t count = std::min({filled_, into.size(), ring_.size() - begin_});
  if (count == 0) return count;
  std::memcpy(into.data(), ring_.data() + begin_, count);
  begin_ = (begin_ + count) % ring_.size();
  filled_ -= count;
  changed_.notify_all();
  return count;
}

void Pipe::leave() {
  const std::lock_guard lock(mutex_);
  left_ = true;
  changed_.notify_all();
}

}  // namespace visor::client
