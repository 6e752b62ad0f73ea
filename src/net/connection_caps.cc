#include "net/connection_caps.h"

#include <string_view>

namespace visor::net {

ConnectionCaps::Permit& ConnectionCaps::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    give_back();
    caps_ = std::exchange(other.caps_, nullptr);
    counted_ = other.counted_;
    key_ = other.key_;
  }
  return *this;
}

void ConnectionCaps::Permit::give_back() {
  ConnectionCaps* caps = std::exchange(caps_, nullptr);
  if (caps == nullptr) return;
  caps->connections_.fetch_sub(1, std::memory_order_relaxed);
  if (!counted_) return;
  const std::lock_guard lock(caps->mutex_);
  const auto found = caps->by_address_.find(key_);
  if (--found->second == 0) caps->by_address_.erase(found);
}

ConnectionCaps::Refusal ConnectionCaps::admit(const Address& peer, bool beyond_total,
                                              Permit& permit) {
  if (connections_.fetch_add(1, std::memory_order_relaxed) >= options_.total && !beyond_total) {
    connections_.fetch_sub(1, std::memory_order_relaxed);
    return Refusal::total;
  }
  Permit admitted;
  admitted.caps_ = this;
  if (options_.per_address > 0 && (options_.count_loopback || !peer.loopback())) {
    const auto key = peer.host_key();
    const std::unique_lock lock(mutex_);
    std::size_t& count = by_address_[key];
    if (count >= options_.per_address) {
      // Not a permit yet as far as its address goes: only the total is given back.
      return Refusal::per_address;
    }
    ++count;
    admitted.counted_ = true;
    admitted.key_ = key;
  }
  permit = std::move(admitted);
  return Refusal::none;
}

std::size_t ConnectionCaps::Hash::operator()(const std::array<unsigned char, 16>& key) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(key.data()), key.size()});
}

}  // namespace visor::net
