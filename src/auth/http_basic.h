// Access key and secret in every request (RFC 7617).
#pragma once

#include <string>

#include "auth/identity_source.h"
#include "auth/passwords.h"

namespace visor::auth {

/// Takes `Authorization: Basic` of an access key and its secret. `passwords` outlives it.
class HttpBasicIdentity final : public IdentitySource {
 public:
  explicit HttpBasicIdentity(Passwords& passwords) : passwords_(passwords) {}

  async::Task<Result<Principal>> identify(Presented presented) override;
  std::string challenge() const override;

 private:
  Passwords& passwords_;
};

}  // namespace visor::auth
