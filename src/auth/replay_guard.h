// Signatures that were used already.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>

#include "base/clock.h"
#include "base/error.h"

namespace visor::auth {

/// Remembers signatures for as long as they could be used again. Bounded: when it is full of
/// signatures that are still good it refuses new ones, since forgetting one would open what it is
/// there to close. Thread-safe.
class ReplayGuard {
 public:
  explicit ReplayGuard(std::size_t limit) : limit_(limit) {}

  /// Lets a signature in once. `unauthenticated` if it was here before, or may have been: a clock
  /// that went forward and back again makes signatures good that are forgotten. `rate_limited` if
  /// there is no room.
  Result<void> admit(const std::string& signature, Time expires, Time now);

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_set<std::string> seen_;
  std::multimap<Time, std::string> by_expiry_;
  Time forgotten_ = Time::min();  ///< the latest expiry of a signature that was forgotten
};

}  // namespace visor::auth
