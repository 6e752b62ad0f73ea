// Bytes on their way between two threads, in order. Private to this folder.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace visor::fetch {

/// Holds up to `capacity` bytes; its memory is taken with the first one, since most exchanges never
/// need it. Not thread-safe, with one exception: who fills `free_space` may do so while another
/// takes bytes out.
class Ring {
 public:
  explicit Ring(std::size_t capacity) : capacity_(capacity) {}

  std::size_t count() const { return count_; }
  std::size_t room() const { return capacity_ - count_; }

  /// Appends all of `bytes`; there is room for them.
  void put(std::span<const std::byte> bytes);
  /// Moves the first bytes to `into`; how many.
  std::size_t take(std::span<std::byte> into);

  /// The free bytes in one piece behind the last one; what is filled there counts after `grow`.
  std::span<std::byte> free_space();
  void grow(std::size_t filled) { count_ += filled; }

 private:
  const std::size_t capacity_;
  std::vector<std::byte> bytes_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace visor::fetch
