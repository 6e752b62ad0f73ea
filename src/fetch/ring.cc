#include "fetch/ring.h"

#include <algorithm>
#include <cstring>

namespace visor::fetch {

void Ring::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto space = free_space();
    const std::size_t count = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), count);
    grow(count);
    bytes = bytes.subspan(count);
  }
}

std::size_t Ring::take(std::span<std::byte> into) {
  const std::size_t wanted = std::min(into.size(), count_);
  if (wanted == 0) return 0;
  const std::size_t until_wrap = std::min(wanted, capacity_ - first_);
  std::memcpy(into.data(), bytes_.data() + first_, until_wrap);
  if (wanted > until_wrap) {
    std::memcpy(into.data() + until_wrap, bytes_.data(), wanted - until_wrap);
  }
  first_ = (first_ + wanted) % capacity_;
  count_ -= wanted;
  return wanted;
}

std::span<std::byte> Ring::free_space() {
  if (bytes_.empty()) bytes_.resize(capacity_);
  const std::size_t at = (first_ + count_) % capacity_;
  return std::span(bytes_).subspan(at, std::min(room(), capacity_ - at));
}

}  // namespace visor::fetch
