#include "base/shared_cache.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace visor {
namespace {

// What a value costs besides itself: its node, its place in the map, the allocator's share.
constexpr std::size_t kOverhead = 160;

std::size_t hash_of(std::string_view key) { return std::hash<std::string_view>()(key); }

}  // namespace

SharedCache::SharedCache(std::size_t most_bytes, std::size_t shards)
    : count_(shards),
      most_in_shard_(most_bytes / shards),
      shards_(std::make_unique<Shard[]>(shards)) {}

SharedCache::~SharedCache() = default;

SharedCache::Found SharedCache::find(std::string_view key) {
  const std::size_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  Found found;
  const std::lock_guard lock(shard.mutex);
  found.ticket = shard.ticket;
  const auto place = shard.places.find(hash);
  if (place == shard.places.end() || place->second->key != key) return found;
  place->second->wanted = true;
  found.known = true;
  found.value = place->second->value;
  return found;
}

void SharedCache::keep(std::string_view key, Value value, std::size_t bytes, std::uint64_t ticket) {
  const std::size_t hash = hash_of(key);
  bytes += key.size() + kOverhead;
  if (bytes > most_in_shard_) return;
  Shard& shard = shard_of(hash);
  std::vector<Value> gone;
  const std::lock_guard lock(shard.mutex);
  const bool outdated =
      ticket != shard.ticket || std::ranges::find(shard.changing, hash) != shard.changing.end();
  if (outdated) return;
  erase(shard, hash, gone);
  make_room(shard, bytes, gone);
  shard.order.push_front({std::string(key), hash, std::move(value), bytes, false});
  shard.places.emplace(hash, shard.order.begin());
  shard.bytes += bytes;
}

void SharedCache::begin_change(std::string_view key) {
  const std::size_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  std::vector<Value> gone;
  const std::lock_guard lock(shard.mutex);
  shard.changing.push_back(hash);
  erase(shard, hash, gone);
}

void SharedCache::end_change(std::string_view key) {
  const std::size_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  ++shard.ticket;
  const auto place = std::ranges::find(shard.changing, hash);
  if (place == shard.changing.end()) return;
  *place = shard.changing.back();
  shard.changing.pop_back();
}

void SharedCache::forget(std::string_view key) {
  const std::size_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  std::vector<Value> gone;
  const std::lock_guard lock(shard.mutex);
  ++shard.ticket;
  erase(shard, hash, gone);
}

std::size_t SharedCache::bytes() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].bytes;
  }
  return sum;
}

std::size_t SharedCache::size() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].places.size();
  }
  return sum;
}

void SharedCache::erase(Shard& shard, Order::iterator place, std::vector<Value>& gone) {
  if (shard.hand == place) shard.hand = newer(shard, place);
  shard.bytes -= place->bytes;
  shard.places.erase(place->hash);
  gone.push_back(std::move(place->value));
  shard.order.erase(place);
}

void SharedCache::erase(Shard& shard, std::size_t hash, std::vector<Value>& gone) {
  const auto place = shard.places.find(hash);
  if (place != shard.places.end()) erase(shard, place->second, gone);
}

SharedCache::Order::iterator SharedCache::newer(Shard& shard, Order::iterator place) {
  return place == shard.order.begin() ? shard.order.end() : std::prev(place);
}

// The hand goes from the oldest to the newest, and spares once what was found since it last came
// by.
void SharedCache::make_room(Shard& shard, std::size_t bytes, std::vector<Value>& gone) const {
  while (shard.bytes + bytes > most_in_shard_ && !shard.order.empty()) {
    if (shard.hand == shard.order.end()) shard.hand = std::prev(shard.order.end());
    if (std::exchange(shard.hand->wanted, false)) {
      shard.hand = newer(shard, shard.hand);
    } else {
      erase(shard, shard.hand, gone);
    }
  }
}

}  // namespace visor
