// Who asks the Glance front end: from the configuration to the objects that know.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "app/configuration.h"
#include "async/task.h"
#include "auth/accounts.h"
#include "auth/application_credentials.h"
#include "auth/guess_limit.h"
#include "auth/identity_source.h"
#include "auth/own_tokens.h"
#include "auth/passwords.h"
#include "auth/token_service.h"
#include "base/error.h"
#include "base/secret.h"
#include "catalogue/client.h"

namespace visor::app {

/// What identities are found with; all of it outlives them.
struct IdentityFoundation {
  catalogue::Client& catalogue;
  auth::Accounts& accounts;
  Secret token_key;  ///< for tokens alone
};

/// The source that the configuration names, and what it stands on.
class IdentityParts {
 public:
  /// Asks Keystone nothing, so that this server starts while that one is down. Errors: `invalid`,
  /// `unavailable` for a secret that can't be read, and what the catalogue says.
  static Result<std::unique_ptr<IdentityParts>> open(const Configuration& configuration,
                                                     IdentityFoundation foundation);

  auth::IdentitySource& source() { return *source_; }
  auth::TokenService& token_service() { return token_service_; }

  /// Forgets what is over. To be called every now and then.
  async::Task<Result<void>> tidy();
  /// Ends what waits for Keystone.
  void cut();

 private:
  IdentityParts(IdentityFoundation foundation, std::chrono::seconds token_lifetime);
  Result<void> open_source(const Configuration& configuration);
  Result<void> open_keystone(const Configuration& configuration);

  auth::GuessLimit guesses_;
  auth::Passwords passwords_;
  auth::ApplicationCredentials credentials_;
  auth::OwnTokens tokens_;
  auth::TokenService token_service_;
  std::unique_ptr<auth::IdentitySource> source_;
  std::function<void()> cut_;  // empty if nothing waits for another server
};

}  // namespace visor::app
