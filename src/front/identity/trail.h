// What the audit log is told of changes and of who was let in.
#pragma once

#include <cstdint>
#include <string>

#include "async/task.h"
#include "audit/log.h"
#include "base/error.h"
#include "front/identity/identity_front_end.h"

namespace visor::front::identity {

/// One change of one caller, from before it is made to its end. `log` may be null: nobody is told
/// then. For one coroutine; the log and the call outlive it.
class Trail {
 public:
  Trail(audit::Log* log, const Call& call, std::string verb, std::string detail);

  /// Says that the change begins, so that none is made that could not be told. `no_space`,
  /// `unavailable`.
  Result<void> begin();
  /// Says how it ended (null: well), and waits until that is certain to be found.
  async::Task<Result<void>> end(const Error* error, std::string detail);

 private:
  audit::Log* const log_;
  audit::Event event_;
};

/// Tells of a token that was given out.
void tell_login(audit::Log* log, const Call& call, const auth::GoodToken& good);
/// Tells of somebody who did not show who it is; `claimed`: who it says it is, maybe nobody. Of
/// other errors than that, nothing.
void tell_refused_login(audit::Log* log, const Call& call, std::string_view claimed,
                        const Error& error);

}  // namespace visor::front::identity
