// How many connections there may be, in all and from one address.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "net/address.h"

namespace visor::net {

/// Counts connections. Thread-safe; outlives its permits.
class ConnectionCaps {
 public:
  struct Options {
    std::size_t total = 16384;
    /// 0: no cap. Connections from this machine's loopback are not counted unless `count_loopback`
    /// says so: that is where a reverse proxy is.
    std::size_t per_address = 512;
    bool count_loopback = false;
  };
  explicit ConnectionCaps(Options options) : options_(options) {}

  /// A place among the connections, given back when it goes.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : caps_(std::exchange(other.caps_, nullptr)), counted_(other.counted_), key_(other.key_) {}
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { give_back(); }

   private:
    friend class ConnectionCaps;
    void give_back();
    ConnectionCaps* caps_ = nullptr;
    bool counted_ = false;
    std::array<unsigned char, 16> key_{};
  };

  enum class Refusal { none, total, per_address };
  /// A permit for a connection from `peer`, or why there is none. `beyond_total` lets one in over
  /// the total, for a caller who is closing another one in its place.
  Refusal admit(const Address& peer, bool beyond_total, Permit& permit);

  std::size_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    std::size_t operator()(const std::array<unsigned char, 16>& key) const;
  };

  const Options options_;
  std::atomic<std::size_t> connections_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::array<unsigned char, 16>, std::size_t, Hash> by_address_;
};

}  // namespace visor::net
