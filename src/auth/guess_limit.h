// Guessing of secrets, slowed down.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"

namespace visor::auth {

/// Counts wrong secrets by account and client address, and by address alone. Beyond a few of them
/// nobody is asked from there for a while, which doubles with each wrong one that follows; the
/// right secret clears its account's count. Nothing waits: who comes too early is told so, right or
/// not. What is counted is no evidence that the account exists. Bounded: of what does not fit, that
/// which is over first is forgotten. Thread-safe.
class GuessLimit {
 public:
  struct Options {
    unsigned free_by_account = 5;   ///< wrong ones of an account from an address without a pause
    unsigned free_by_address = 50;  ///< of all accounts together from an address
    std::chrono::seconds first_pause{1};
    std::chrono::seconds longest_pause{300};
    /// How long after the last wrong one all is forgotten.
    std::chrono::seconds memory{900};
    std::size_t most_entries = 100'000;
  };

  explicit GuessLimit(Options options, const Clock& clock = Clock::system());
  explicit GuessLimit(const Clock& clock = Clock::system());

  /// `rate_limited` while nobody is asked. `address`: the client's; of IPv6 the first 64 bits
  /// count.
  Result<void> admit(std::string_view account, std::string_view address);
  void wrong(std::string_view account, std::string_view address);
  void right(std::string_view account, std::string_view address);

 private:
  struct Guesses {
    unsigned wrong = 0;
    Time last;
    Time closed_until;
  };

  void count(const std::string& key, unsigned free, Time now);
  bool closed(const std::string& key, Time now) const;
  void make_room(Time now);

  const Options options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Guesses> guesses_;
};

}  // namespace visor::auth
