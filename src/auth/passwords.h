// Access keys and secrets that are shown as they are, as names and passwords.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "auth/accounts.h"
#include "auth/guess_limit.h"
#include "base/error.h"
#include "base/secret.h"

namespace visor::auth {

/// Whether a secret is an account's. Unknown account, disabled account and wrong secret get one and
/// the same answer, after the same work. Thread-safe; `accounts` and `guesses` outlive it.
class Passwords {
 public:
  Passwords(Accounts& accounts, GuessLimit& guesses);

  /// The account's credentials. `address` is the client's and outlives the task. Errors:
  /// `unauthenticated`, `rate_limited` (see GuessLimit), and what the catalogue says.
  async::Task<Result<std::shared_ptr<const Credentials>>> check(std::string access_key,
                                                                Secret secret,
                                                                std::string_view address);

 private:
  Accounts& accounts_;
  GuessLimit& guesses_;
  const Secret nobodys_;  ///< what unknown accounts' secrets are compared with, for the same work
};

/// Whether two secrets are equal, in a time that depends on neither's length.
bool same_secret(std::string_view left, std::string_view right);

}  // namespace visor::auth
