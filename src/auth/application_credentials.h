// Application credentials: secrets of an account's own making, for its programs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/accounts.h"
#include "auth/guess_limit.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "catalogue/client.h"

namespace visor::auth {

/// What a program may do for an account, without the account's own secret.
struct ApplicationCredential {
  std::string id;                    ///< 32 hex digits, made by the server
  std::string account;               ///< the access key
  std::string name;                  ///< 1 to 255 bytes, unique in the account
  std::string description;           ///< at most 1024 bytes
  std::vector<std::string> roles;    ///< some of "admin", "member", "reader"
  bool unrestricted = false;         ///< may make and remove application credentials
  std::optional<Time> expires = {};  ///< nothing: never
  Time created;

  bool administrates() const;
  bool only_reads() const;
};

struct CredentialAndSecret {
  ApplicationCredential credential;
  Secret secret;  ///< told this once
};

/// Makes, finds and removes them. A credential ends with its account, and with the secret that the
/// account had when it was made. Thread-safe; what it is made of outlives it.
class ApplicationCredentials {
 public:
  ApplicationCredentials(catalogue::Client& catalogue, Accounts& accounts, GuessLimit& guesses,
                         const Clock& clock = Clock::system());

  /// Stores a new one; its `id`, `account` and `created` are ignored. Without `secret` the server
  /// makes one. `invalid` for a member; `conflict` if the name is taken; `quota` beyond 100 of an
  /// account.
  async::Task<Result<CredentialAndSecret>> create(std::shared_ptr<const Credentials> account,
                                                  ApplicationCredential wanted,
                                                  std::optional<Secret> secret);

  /// All of an account, by the order of their making.
  async::Task<Result<std::vector<ApplicationCredential>>> list(
      std::shared_ptr<const Credentials> account);
  /// `not_found` if the account has none of this id.
  async::Task<Result<ApplicationCredential>> get(std::shared_ptr<const Credentials> account,
                                                 std::string id);
  /// The same.
  async::Task<Result<ApplicationCredential>> find(std::shared_ptr<const Credentials> account,
                                                  std::string name);
  /// `not_found` if the account has none of this id.
  async::Task<Result<void>> remove(std::shared_ptr<const Credentials> account, std::string id);

  struct Shown {
    std::shared_ptr<const Credentials> account;
    ApplicationCredential credential;
  };
  /// Whose a secret is. Unknown, expired and wrong ones get one and the same answer. `address` is
  /// the client's and outlives the task. Errors: `unauthenticated`, `rate_limited`, and what the
  /// catalogue says.
  async::Task<Result<Shown>> check(std::string id, Secret secret, std::string_view address);
  /// The same by an account and the credential's name in it.
  async::Task<Result<Shown>> check(std::string access_key, std::string name, Secret secret,
                                   std::string_view address);

  /// Removes what accounts have left that are gone. For the start of a server.
  async::Task<Result<void>> sweep();

 private:
  struct Stored;

  async::Task<Result<Stored>> load(std::string id);
  async::Task<Result<Stored>> load_of(std::shared_ptr<const Credentials> account, std::string id);
  async::Task<Result<void>> drop(Stored stored);
  /// `counted`: what wrong guesses are counted under.
  async::Task<Result<Shown>> check_counted(std::string counted, std::string id, Secret secret,
                                           std::string_view address);
  async::Task<Result<Shown>> check_stored(std::optional<Stored> stored,
                                          std::shared_ptr<const Credentials> account,
                                          Secret secret);
  static catalogue::Record encode(const Stored& stored);
  static Result<Stored> decode(const catalogue::Record& record);

  catalogue::Client& catalogue_;
  Accounts& accounts_;
  GuessLimit& guesses_;
  const Clock& clock_;
};

}  // namespace visor::auth
