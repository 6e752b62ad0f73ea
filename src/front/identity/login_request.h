// The bodies of requests.
//
// Source: the Identity API v3 reference, "Password authentication", "Authenticating with an
// Application Credential", "Token authentication", "Create application credential".
#pragma once

#include <optional>
#include <string_view>

#include "auth/application_credentials.h"
#include "auth/token_service.h"
#include "base/error.h"
#include "base/secret.h"

namespace visor::front::identity {

/// Reads what `POST /v3/auth/tokens` brings. `invalid` if it is not of its form; `unauthenticated`
/// for a method that there is not, as Keystone says it.
Result<auth::Login> read_login(std::string_view body);

/// Who says to be who, for the audit log; may be empty.
std::string_view claimed_by(const auth::Login& login);

struct WantedCredential {
  auth::ApplicationCredential credential;
  std::optional<Secret> secret;
};
/// Reads what makes an application credential. `invalid`.
Result<WantedCredential> read_credential(std::string_view body);

}  // namespace visor::front::identity
