// Tokens and application credentials as a caller may have them: the policy over them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/accounts.h"
#include "auth/application_credentials.h"
#include "auth/own_tokens.h"
#include "auth/passwords.h"
#include "base/error.h"
#include "base/secret.h"

namespace visor::auth {

/// What a token is wanted for.
struct WantedScope {
  enum class Kind {
    usual,      ///< not said: the account's project
    none,       ///< for no project, in so many words
    project,    ///< for `project`
    system,     ///< for the server
    elsewhere,  ///< for something that is never had here
  };
  Kind kind = Kind::usual;
  std::string project = {};  ///< an access key
};

/// How a caller shows who it is.
struct Login {
  enum class Method { password, application_credential, token };
  Method method = Method::password;
  std::string access_key = {};  ///< whose password, or whose credential of that name
  std::string credential = {};  ///< the id of an application credential
  std::string name = {};        ///< or its name
  Secret secret = {};           ///< the password, the credential's secret or the token
  WantedScope scope = {};
};

/// Verbs on tokens and application credentials. An account is a user and that user's one project.
/// Thread-safe; what it is made of outlives it.
class TokenService {
 public:
  TokenService(Accounts& accounts, Passwords& passwords, ApplicationCredentials& credentials,
               OwnTokens& tokens, std::chrono::seconds lifetime);

  /// Gives out a token. `address` is the client's and outlives the task. `unauthenticated` for who
  /// can't show who it is, and for a scope that it can't have; `rate_limited`.
  async::Task<Result<OwnTokens::Issued>> log_in(Login login, std::string_view address);

  /// Whose token it is; `token` outlives the task. `unauthenticated`.
  async::Task<Result<GoodToken>> caller(std::string_view token);

  /// A token that the caller asks about: its own account's, or any for administrators. `not_found`
  /// if it is not good, `forbidden`. `subject` outlives the task.
  async::Task<Result<GoodToken>> look_up(const GoodToken& who, std::string_view subject);
  /// Ends it; the same errors.
  async::Task<Result<void>> revoke(const GoodToken& who, std::string_view subject);

  /// An account as a user or a project: the caller's own, or any for administrators. `not_found`,
  /// `forbidden`.
  async::Task<Result<Account>> account(const GoodToken& who, std::string access_key);
  /// All of them, for administrators; the first 1000. `forbidden`.
  async::Task<Result<AccountPage>> accounts(const GoodToken& who);

  /// Application credentials of the user, which is the caller: `forbidden` for others', and to
  /// change them for a token that was itself made with a credential that may not. Beyond that as
  /// ApplicationCredentials.
  async::Task<Result<CredentialAndSecret>> create_credential(const GoodToken& who, std::string user,
                                                             ApplicationCredential wanted,
                                                             std::optional<Secret> secret);
  async::Task<Result<std::vector<ApplicationCredential>>> list_credentials(const GoodToken& who,
                                                                           std::string user);
  async::Task<Result<ApplicationCredential>> get_credential(const GoodToken& who, std::string user,
                                                            std::string id);
  async::Task<Result<void>> remove_credential(const GoodToken& who, std::string user,
                                              std::string id);

 private:
  async::Task<Result<OwnTokens::Wanted>> show(Login login, std::string_view address);

  Accounts& accounts_;
  Passwords& passwords_;
  ApplicationCredentials& credentials_;
  OwnTokens& tokens_;
  const std::chrono::seconds lifetime_;
};

}  // namespace visor::auth
