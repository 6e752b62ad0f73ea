// Callers who show a token of OpenStack's Keystone.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "async/single_flight.h"
#include "auth/identity_source.h"
#include "auth/keystone_client.h"
#include "auth/keystone_token.h"
#include "base/clock.h"
#include "base/shared_cache.h"

namespace visor::auth {

/// Takes what Keystone finds good, and remembers its answers for a while, by the token's SHA-256: a
/// token that was revoked is taken so long at most. Several requests with one token that is not at
/// hand are one question. A token is refused by the clock when it is over, but for a call that a
/// service vouches for with its token in X-Service-Token: as long as Keystone allows then, so that
/// long work goes to its end. Thread-safe; `clock` outlives it.
class KeystoneIdentity final : public IdentitySource {
 public:
  struct Options {
    KeystoneRoles roles;
    /// How long an answer is trusted; 0: every token is asked for each time.
    std::chrono::seconds memory{300};
    std::size_t entries = 10'000;
    std::string public_address;  ///< what the challenge names
  };

  KeystoneIdentity(std::unique_ptr<KeystoneClient> keystone, Options options,
                   const Clock& clock = Clock::system());

  async::Task<Result<Principal>> identify(Presented presented) override;
  bool has_catalogue() const override { return true; }
  async::Task<Result<std::string>> find_service(Secret token, ServiceQuery query) override;
  std::string challenge() const override;

  /// Ends what is under way with an error.
  void stop() { keystone_->stop(); }

 private:
  struct Known;
  using Found = Result<std::shared_ptr<const KeystoneToken>>;

  async::Task<Found> find(std::string_view token, bool even_expired);
  async::Task<Found> ask(std::string key, Secret token, bool even_expired);
  /// What is remembered, if it still counts.
  std::shared_ptr<const Known> at_hand(const std::string& key, bool even_expired);

  const std::unique_ptr<KeystoneClient> keystone_;
  const Options options_;
  const Clock& clock_;
  async::SingleFlight<Found> questions_;
  // Apart, so that guessing tokens does not push real ones out.
  SharedCache good_;
  SharedCache bad_;
};

}  // namespace visor::auth
