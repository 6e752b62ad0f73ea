// Everybody is the same caller: for laboratories and behind a gateway that knows who asks.
#pragma once

#include <string>

#include "auth/identity_source.h"

namespace visor::auth {

/// Asks for nothing and takes everybody for one principal.
class FixedIdentity final : public IdentitySource {
 public:
  /// `everyone` has an account.
  explicit FixedIdentity(Principal everyone);

  async::Task<Result<Principal>> identify(Presented presented) override;
  std::string challenge() const override;

 private:
  const Principal everyone_;
};

}  // namespace visor::auth
