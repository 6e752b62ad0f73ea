// Values at hand for many threads: bounded, and exact while what they are made of changes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace visor {

/// A map from texts to shared values that never change. What is found stays whole however long it
/// is held. Bounded by bytes; of what does not fit, that which was not asked for since it came goes
/// first (SIEVE: Zhang et al., NSDI 2024), so reading through everything once does not push out
/// what is read all the time. Thread-safe; threads wait for each other only at the same shard, and
/// only for a look-up.
///
/// Exactness is a bargain between who reads the origin and who changes it:
///
///     auto found = cache.find(key);                 cache.begin_change(key);
///     if (!found.known) {                           ... change the origin ...
///       ... read the origin ...                     cache.end_change(key);
///       cache.keep(key, value, bytes, found.ticket);
///     }
///
/// From begin_change on nobody finds the value from before, and until end_change nothing is kept: a
/// reader asks the origin, which knows best what is true in between. What was read before a change
/// and comes after it is not kept.
class SharedCache {
 public:
  /// `most_bytes`: what all values together may take, what they are kept in included; 0 keeps
  /// nothing. `shards` is a power of two.
  explicit SharedCache(std::size_t most_bytes, std::size_t shards = 64);
  ~SharedCache();
  SharedCache(const SharedCache&) = delete;
  SharedCache& operator=(const SharedCache&) = delete;

  using Value = std::shared_ptr<const void>;

  struct Found {
    bool known = false;
    Value value;  ///< may be null although it is known
    std::uint64_t ticket = 0;
  };
  Found find(std::string_view key);

  /// Keeps a value that takes `bytes`. It replaces one that is there.
  void keep(std::string_view key, Value value, std::size_t bytes, std::uint64_t ticket);

  /// Calls come in pairs; those of several changers may overlap.
  void begin_change(std::string_view key);
  void end_change(std::string_view key);

  /// Both at once, behind a change during which the value from before did no harm.
  void forget(std::string_view key);

  /// What the values take at this moment.
  std::size_t bytes() const;
  std::size_t size() const;

 private:
  struct Node {
    std::string key;
    std::size_t hash = 0;
    Value value;
    std::size_t bytes = 0;
    bool wanted = false;  ///< found since it came, or since it was last spared
  };
  using Order = std::list<Node>;
  // Found by hash, and then compared: of two keys with one hash the later one stays. The map walks
  // no chain of keys to compare, which lie all over the memory.
  struct AsItIs {
    std::size_t operator()(std::size_t hash) const noexcept { return hash; }
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    Order order;  ///< the newest first
    std::unordered_map<std::size_t, Order::iterator, AsItIs> places;
    Order::iterator hand = order.end();
    std::size_t bytes = 0;
    std::uint64_t ticket = 0;           ///< moves on with each change
    std::vector<std::size_t> changing;  ///< hashes of keys whose origin is being changed
  };

  Shard& shard_of(std::size_t hash) { return shards_[(hash >> 7) & (count_ - 1)]; }
  /// With the shard's mutex held; the value goes to `gone`, to be destroyed without it.
  static void erase(Shard& shard, Order::iterator place, std::vector<Value>& gone);
  static void erase(Shard& shard, std::size_t hash, std::vector<Value>& gone);
  /// The neighbour that came after it; the end for the newest.
  static Order::iterator newer(Shard& shard, Order::iterator place);
  void make_room(Shard& shard, std::size_t bytes, std::vector<Value>& gone) const;

  const std::size_t count_;
  const std::size_t most_in_shard_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace visor
