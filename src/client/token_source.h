// The token that an OpenStack service wants to see.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "client/transport.h"

namespace visor::client {

/// Who asks Keystone for a token (Identity API v3, "Password authentication with scoped
/// authorization" and "Authenticating with an Application Credential"). Empty texts are not set.
struct Login {
  Connection identity;  ///< the base path ends in /v3
  std::string user;     ///< a name or, if `user_is_id`, an id
  bool user_is_id = false;
  std::string user_domain;  ///< of a user by name
  bool user_domain_is_id = false;
  std::string project;
  bool project_is_id = false;
  std::string project_domain;
  bool project_domain_is_id = false;
  std::string application_credential;  ///< its id, in place of user and project
  Secret secret;                       ///< the password, or that of the application credential
};

/// Has the token for one side and gets another when that one isn't accepted any more. For any
/// number of threads; must outlive whoever asks with it.
class TokenSource {
 public:
  /// Gives a token; an empty one means that none is sent.
  using Fetch = std::function<Outcome<Secret>()>;

  explicit TokenSource(Fetch fetch) : fetch_(std::move(fetch)) {}

  /// The token; got when it is first asked for.
  Outcome<Secret> token();
  /// `refused` was not accepted. True if there is another one now. Errors: those of getting one,
  /// as `unauthenticated` unless they may pass.
  Outcome<bool> renew(const Secret& refused);

 private:
  std::mutex mutex_;
  Fetch fetch_;
  bool fetched_ = false;
  Secret token_;
};

/// No token is sent.
TokenSource::Fetch no_token();
/// Always this one.
TokenSource::Fetch fixed_token(Secret token);
/// What stands in a file, which is read again for each renewal: somebody else may keep it fresh.
TokenSource::Fetch token_in_file(std::string path);
/// By POST /v3/auth/tokens.
TokenSource::Fetch token_by_login(Login login);

}  // namespace visor::client
