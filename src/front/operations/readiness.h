// Whether the server can do its work, as its regular self-examination found.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"

namespace visor::front::operations {

/// What one thread finds out and others ask for. However often it is asked, nothing is examined
/// more often for it; and a part that never answers makes the verdict, not the question, wait no
/// longer than the patience. Thread-safe.
class Readiness {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `patience`: how long a part may take to answer until it counts as broken.
  explicit Readiness(std::chrono::milliseconds patience) : patience_(patience) {}

  /// The examination turns to this part ("the catalogue") now.
  void examine(std::string part, Time now);
  /// The examination is over: well, or not for a reason that is safe to show.
  void finish(Result<void> outcome);
  /// The server begins to stop, and is not ready from now on.
  void stop();

  /// Nothing, or `unavailable` with a sentence that says what is wrong.
  Result<void> verdict(Time now) const;

 private:
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::optional<std::string> examined_;  ///< the part under examination
  Time since_{};
  std::optional<Result<void>> outcome_;  ///< of the examination before
  bool stopping_ = false;
};

}  // namespace visor::front::operations
