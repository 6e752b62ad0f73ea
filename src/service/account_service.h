// Accounts as a caller may manage them: the policy over auth::Accounts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "async/task.h"
#include "audit/log.h"
#include "auth/accounts.h"
#include "base/error.h"
#include "base/principal.h"
#include "base/secret.h"

namespace visor::service {

/// Verbs on accounts; `forbidden` for everybody but administrators, before anything else is looked
/// at. Beyond that the errors and answers are those of auth::Accounts, whose verbs these mirror.
/// Thread-safe; `accounts` and `audit` (null: nobody is told who did what) outlive it.
class AccountService {
 public:
  explicit AccountService(auth::Accounts& accounts, audit::Log* audit = nullptr)
      : accounts_(accounts), audit_(audit) {}

  async::Task<Result<auth::AccountPage>> list(Principal who, std::optional<std::string> after,
                                              std::uint32_t limit);
  async::Task<Result<auth::Account>> get(Principal who, std::string access_key);
  async::Task<Result<auth::AccountAndSecret>> create(Principal who, auth::Account account,
                                                     std::optional<Secret> secret);
  async::Task<Result<auth::AccountAndSecret>> update(Principal who, std::string access_key,
                                                     auth::AccountChange change);
  async::Task<Result<auth::Account>> remove(Principal who, std::string access_key);

 private:
  auth::Accounts& accounts_;
  audit::Log* const audit_;
};

}  // namespace visor::service
