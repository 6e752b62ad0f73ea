// The window in which a signed request's time must lie.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/error.h"

namespace visor::sign {

/// The usual window, as AWS has it.
inline constexpr std::chrono::seconds kDefaultWindow = std::chrono::minutes(15);

/// `unauthenticated` if `time` is more than `window` away from `now`, in either direction. The
/// sentence tells the server's time: a wrong clock is the usual reason, and the client's owner can
/// mend it.
Result<void> check_skew(Time time, Time now, std::chrono::seconds window);

}  // namespace visor::sign
