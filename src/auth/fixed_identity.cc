#include "auth/fixed_identity.h"

#include <utility>

namespace visor::auth {

FixedIdentity::FixedIdentity(Principal everyone) : everyone_(std::move(everyone)) {}

async::Task<Result<Principal>> FixedIdentity::identify(Presented /*presented*/) {
  co_return everyone_;
}

std::string FixedIdentity::challenge() const { return {}; }

}  // namespace visor::auth
