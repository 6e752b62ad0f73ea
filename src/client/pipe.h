// What one transfer receives, handed to another that sends it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "client/failure.h"

namespace visor::client {

/// Bytes from one thread to one other, at most `capacity` of them at a time, so that the memory
/// does not depend on how much passes. Whoever is ahead waits.
class Pipe {
 public:
  explicit Pipe(std::size_t capacity) : ring_(capacity) {}

  /// Waits until all is in. Errors: `cancelled` once nobody reads any more.
  Outcome<void> write(std::span<const std::byte> bytes);
  /// Nothing comes any more: the reader gets what is left, and then the end.
  void finish();
  /// The same, but the reader gets this failure at once.
  void fail(Failure failure);

  /// Waits for at least one byte and gives how many were put into `into`; 0 is the end.
  Outcome<std::size_t> read(std::span<std::byte> into);
  /// Nobody reads any more.
  void leave();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::byte> ring_;
  std::size_t begin_ = 0;
  std::size_t filled_ = 0;
  bool finished_ = false;
  bool left_ = false;
  std::optional<Failure> failure_;
};

}  // namespace visor::client
