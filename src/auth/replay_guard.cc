#include "auth/replay_guard.h"

#include <algorithm>

namespace visor::auth {

Result<void> ReplayGuard::admit(const std::string& signature, Time expires, Time now) {
  const std::scoped_lock lock(mutex_);
  while (!by_expiry_.empty() && by_expiry_.begin()->first < now) {
    forgotten_ = std::max(forgotten_, by_expiry_.begin()->first);
    seen_.erase(by_expiry_.begin()->second);
    by_expiry_.erase(by_expiry_.begin());
  }
  if (seen_.contains(signature) || expires <= forgotten_) {
    return fail(Code::unauthenticated,
                "This signed request was received before; sign it anew to send it again.",
                "auth.replay");
  }
  if (seen_.size() >= limit_) {
    return fail(Code::rate_limited,
                "Too many signed requests in too short a time; try again later.",
                "auth.replay: full");
  }
  seen_.insert(signature);
  by_expiry_.emplace(expires, signature);
  return {};
}

}  // namespace visor::auth
