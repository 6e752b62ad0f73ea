#include "service/quota.h"

#include <algorithm>

namespace visor::service {

std::optional<std::int64_t> as_limit(std::optional<std::uint64_t> limit) {
  if (!limit) return std::nullopt;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(*limit, INT64_MAX));
}

std::string bytes_counter(const std::string& account) { return "bytes:" + account; }
std::string images_counter(const std::string& account) { return "images:" + account; }

}  // namespace visor::service
