// Callers who show a token of VISOR's own.
#pragma once

#include <string>

#include "auth/identity_source.h"
#include "auth/own_tokens.h"

namespace visor::auth {

/// Takes what OwnTokens gave out. A second token in X-Service-Token makes the call one that a
/// service vouches for, if it is an administrator's. `tokens` outlives it.
class OwnIdentity final : public IdentitySource {
 public:
  /// `address`: of the listener that gives out tokens, as clients reach it, for the challenge; may
  /// be empty.
  OwnIdentity(OwnTokens& tokens, std::string address);

  async::Task<Result<Principal>> identify(Presented presented) override;
  std::string challenge() const override;

 private:
  OwnTokens& tokens_;
  const std::string address_;
};

}  // namespace visor::auth
