#include "service/account_quota.h"

#include <utility>

namespace visor::service {

async::Task<Result<Quota>> AccountQuota::of(std::string account) const {
  Result<auth::Account> found = co_await accounts_.get(std::move(account));
  if (!found) {
    // An image may outlive the account that owns it.
    if (found.error().code == Code::not_found) co_return defaults_;
    co_return pass(found);
  }
  co_return Quota{.bytes = found->quota_bytes ? found->quota_bytes : defaults_.bytes,
                  .images = found->quota_images ? found->quota_images : defaults_.images};
}

}  // namespace visor::service
