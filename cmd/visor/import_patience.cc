#include "import_patience.h"

#include <algorithm>

namespace visor::command {

void StopSignal::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool StopSignal::wait(std::chrono::steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return stopped_.load(); });
}

bool may_pass(const client::Failure& failure) {
  return (failure.unreachable && failure.error.retry != Retry::never) ||
         failure.error.retry == Retry::later || failure.status >= 500 || failure.status == 408;
}

std::chrono::milliseconds pause_after(int attempt, const client::Failure& failure) {
  constexpr int kLongest = 5;
  constexpr std::chrono::seconds kLongestAskedFor{300};
  const std::chrono::milliseconds own =
      std::chrono::milliseconds(500) * (1 << std::min(attempt, kLongest));
  const std::chrono::milliseconds asked_for = std::min(failure.retry_after, kLongestAskedFor);
  return std::max(own, asked_for);
}

}  // namespace visor::command
