// Times of many requests, and what is told of them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Collects times and tells their percentiles, by the nearest rank.
class Latencies {
 public:
  void add(Clock::duration time) {
    milliseconds_.push_back(std::chrono::duration<double, std::milli>(time).count());
  }
  std::size_t count() const { return milliseconds_.size(); }

  /// {"p50": …, "p99": …, "max": …} in milliseconds; zeros if nothing was added.
  std::string json();

 private:
  std::vector<double> milliseconds_;
};

/// `text` as a JSON string.
std::string json_text(const std::string& text);

}  // namespace bench
