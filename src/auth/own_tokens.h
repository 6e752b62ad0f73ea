// Tokens that the server gives out itself and knows again without having kept them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/task.h"
#include "auth/accounts.h"
#include "auth/application_credentials.h"
#include "auth/token_text.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "base/secret.h"
#include "catalogue/client.h"

namespace visor::auth {

/// A token that is good, and whose it is.
struct GoodToken {
  Token token;
  std::shared_ptr<const Credentials> account;
  std::optional<ApplicationCredential> credential;  ///< if it was made with one

  /// What the token lets its holder do. Without an account, and so anonymous, where the token has
  /// no project.
  Principal principal() const;
  /// "admin", "member", "reader": those that count.
  std::vector<std::string> roles() const;
};

/// Gives out tokens, checks and revokes them. A token is good until its end, unless it was revoked,
/// or its account was removed, disabled or got a new secret since, or its application credential is
/// gone. What a token allows follows the account's roles at each use.
///
/// Every revocation goes through this object, as every change of an account goes through Accounts.
/// Thread-safe; what it is made of outlives it.
class OwnTokens {
 public:
  /// `key`: a secret that is for tokens alone; another one ends all tokens.
  OwnTokens(catalogue::Client& catalogue, Accounts& accounts, ApplicationCredentials& credentials,
            Secret key, const Clock& clock = Clock::system());

  /// Reads what was revoked. Before anything else.
  async::Task<Result<void>> load();

  struct Wanted {
    std::shared_ptr<const Credentials> account;
    std::optional<ApplicationCredential> credential = {};
    std::vector<std::string> methods;
    TokenScope scope = TokenScope::project;
    std::chrono::seconds lifetime{3600};
    /// The token that it is made from: it ends with that one, at the latest.
    std::optional<Token> parent = {};
  };
  struct Issued {
    GoodToken good;
    Secret text;
  };
  Issued issue(Wanted wanted) const;

  /// `text` outlives the task. `unauthenticated` unless it is good; and what the catalogue says.
  async::Task<Result<GoodToken>> check(std::string_view text);

  /// No use of the token that begins after this returns is let in, after a restart neither.
  /// `rate_limited` beyond 10,000 of one account at a time.
  async::Task<Result<void>> revoke(Token token);

  /// Forgets revocations of tokens that are over. To be called every now and then.
  async::Task<Result<void>> tidy();

 private:
  struct Revocation {
    std::string account;
    Time expires;  ///< the token's
  };

  bool revoked(const std::string& id) const;
  /// False if its account has too many already.
  bool remember(const std::string& id, Revocation revocation);
  void forget(const std::string& id);
  Secret key_of(const Credentials& account) const;

  catalogue::Client& catalogue_;
  Accounts& accounts_;
  ApplicationCredentials& credentials_;
  const Secret key_;
  const Clock& clock_;
  const Credentials nobody_;  ///< what unknown accounts' tokens are checked with, for the same work
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Revocation> revoked_;      ///< by id
  std::unordered_map<std::string, std::size_t> revoked_of_;  ///< how many, by account
};

}  // namespace visor::auth
