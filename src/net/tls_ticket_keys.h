// Private to this folder: the keys of session tickets.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <span>

#include "net/openssl.h"

namespace visor::net {

/// Keys that encrypt session tickets (RFC 5077, section 4; RFC 8446, section 4.6.1), made anew
/// every `kPeriod` and forgotten once no valid ticket can stand under them any more: who breaks
/// into the process later can't decrypt what was resumed with older ones. They are in memory alone.
/// Thread-safe.
class TicketKeys {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::hours kPeriod{1};
  /// How long a ticket is good.
  static constexpr std::chrono::hours kTicketLife{1};

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> encryption;
    std::array<unsigned char, 32> authentication;
    TimePoint made;

    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();
  };

  /// The key for new tickets; nothing if the system gives no random bytes.
  std::optional<Key> current(TimePoint now);
  /// The key with this name, if tickets under it may still be good.
  std::optional<Key> find(std::span<const unsigned char, 16> name, TimePoint now);

  /// Gives tickets of `context` these keys, which it owns from now on.
  static bool attach(std::unique_ptr<TicketKeys> keys, SSL_CTX* context);

 private:
  void forget_old(TimePoint now);

  std::mutex mutex_;
  std::deque<Key> keys_;  // the newest first
};

}  // namespace visor::net
