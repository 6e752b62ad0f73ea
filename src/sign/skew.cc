#include "sign/skew.h"

#include "base/units.h"

namespace visor::sign {

Result<void> check_skew(Time time, Time now, std::chrono::seconds window) {
  if (time <= now + window && time >= now - window) return {};
  return fail(Code::unauthenticated,
              "The request's time is more than " +
                  format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(window)) +
                  " away from the server's, which is " + format_iso_time(now) +
                  "; set the client's clock right and sign the request anew.",
              "sign.skew: request time " + format_iso_time(time));
}

}  // namespace visor::sign
