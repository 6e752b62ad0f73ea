#include "latencies.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace bench {

std::string Latencies::json() {
  std::ranges::sort(milliseconds_);
  const auto at = [this](double share) {
    if (milliseconds_.empty()) return 0.0;
    const auto rank = std::ceil(share * static_cast<double>(milliseconds_.size()));
    return milliseconds_[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  char text[160];
  std::snprintf(text, sizeof text, R"({"p50": %.4f, "p99": %.4f, "max": %.4f})", at(0.5), at(0.99),
                at(1));
  return text;
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + '"';
}

}  // namespace bench
