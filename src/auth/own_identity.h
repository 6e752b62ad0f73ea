// Callers who show a token of VISOR's own.
#pragma once

#include <string>
#include <vector>

#include "auth/identity_source.h"
#include "auth/own_tokens.h"
#include "auth/service_endpoint.h"

namespace visor::auth {

/// Takes what OwnTokens gave out. A second token in X-Service-Token makes the call one that a
/// service vouches for, if it is an administrator's. `tokens` outlives it.
class OwnIdentity final : public IdentitySource {
 public:
  struct Options {
    /// Of the listener that gives out tokens, as clients reach it, for the challenge; may be empty.
    std::string address = {};
    std::string region = {};
    std::string image_address = {};               ///< as clients reach it; empty: as who asks did
    std::vector<ServiceEndpoint> endpoints = {};  ///< further ones, which beat that
  };

  OwnIdentity(OwnTokens& tokens, Options options);

  async::Task<Result<Principal>> identify(Presented presented) override;
  bool has_catalogue() const override { return true; }
  /// The configured one, or else this server's own at every interface of its region.
  async::Task<Result<std::string>> find_service(Secret token, ServiceQuery query) override;
  std::string challenge() const override;

 private:
  OwnTokens& tokens_;
  const Options options_;
};

}  // namespace visor::auth
