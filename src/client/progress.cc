#include "client/progress.h"

#include <cmath>

namespace visor::client {
namespace {
constexpr double kWindow = 5.0;  // seconds
}

void RateMeter::update(std::uint64_t done, Clock::time_point now) {
  last_seen_ = done;
  const double elapsed = std::chrono::duration<double>(now - last_).count();
  if (elapsed < 0.05 || done < last_done_) return;
  const double sample = static_cast<double>(done - last_done_) / elapsed;
  // The weight follows from the time that passed, so that the mean does not depend on how often
  // samples come.
  const double weight = sampled_ ? 1.0 - std::exp(-elapsed / kWindow) : 1.0;
  rate_ += (sample - rate_) * weight;
  sampled_ = true;
  last_done_ = done;
  last_ = now;
}

double RateMeter::mean_rate(Clock::time_point now) const {
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  return elapsed <= 0 ? 0 : static_cast<double>(done() - start_done_) / elapsed;
}

std::optional<std::chrono::seconds> RateMeter::remaining(std::uint64_t total) const {
  constexpr double kLongest = 359'999;  // 99:59:59: beyond, a number tells nothing
  if (rate_ < 1 || total < done()) return std::nullopt;
  const double seconds = std::ceil(static_cast<double>(total - done()) / rate_);
  if (seconds > kLongest) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

}  // namespace visor::client
