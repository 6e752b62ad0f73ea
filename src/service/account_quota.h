// Quotas from the accounts themselves.
#pragma once

#include <string>

#include "auth/accounts.h"
#include "service/quota.h"

namespace visor::service {

/// The limits written on an account; where it has none, the configuration's defaults. `accounts`
/// outlives it.
class AccountQuota final : public QuotaLimits {
 public:
  AccountQuota(auth::Accounts& accounts, Quota defaults)
      : accounts_(accounts), defaults_(defaults) {}
  async::Task<Result<Quota>> of(std::string account) const override;

 private:
  auth::Accounts& accounts_;
  const Quota defaults_;
};

}  // namespace visor::service
