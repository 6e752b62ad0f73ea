// The accounts, in the catalogue.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/account.h"
#include "auth/credential_cache.h"
#include "auth/secret_box.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "catalogue/client.h"

namespace visor::auth {

/// An account and, where one was made or renewed, its secret: the one time that it is told.
struct AccountAndSecret {
  Account account;
  std::optional<Secret> secret;
};

struct AccountPage {
  std::vector<Account> accounts;    ///< by access key
  std::optional<std::string> next;  ///< set if more may follow: ask again with it as `after`
};

/// What to change of an account; what is not set stays.
struct AccountChange {
  std::optional<std::string> email;
  std::optional<bool> administrator;
  std::optional<bool> enabled;
  std::optional<bool> may_refer;
  std::optional<std::optional<std::uint64_t>>
      quota_bytes;  ///< an inner nothing takes the quota away
  std::optional<std::optional<std::uint64_t>> quota_images;  ///< likewise
  std::optional<std::map<std::string, std::string>> extra;   ///< replaces all of them
  bool renew_secret = false;                                 ///< the server makes a new one
  std::optional<Secret> secret;                              ///< or this one is set
  std::optional<std::uint64_t> expected_revision;            ///< `precondition` if it is another
};

/// What ensure_root found or did.
struct RootOutcome {
  enum class Action {
    kept,      ///< there is an administrator and nothing was to be done
    created,   ///< the first administrator was made
    replaced,  ///< the named account got the given secret, and is an enabled administrator now
    ignored,   ///< the given access key is nobody's, but another administrator exists
  };
  Action action = Action::kept;
  std::string access_key;        ///< the one that was made or named; empty where neither
  std::optional<Secret> secret;  ///< only if the server made it
};

/// Creates, changes and finds accounts. It decides what an account can be, not who may ask for it.
/// Safe to use from any thread; `catalogue` and `clock` outlive it.
///
/// Invariant, kept by one guard record that every such change rewrites: once there is an enabled
/// administrator, there is one. Errors besides those named: what the catalogue says.
class Accounts {
 public:
  Accounts(catalogue::Client& catalogue, SecretBox box, const Clock& clock = Clock::system(),
           std::size_t cache_limit = 10'000);

  /// Stores a new account; `id`, times and `revision` of the argument are ignored. Without `secret`
  /// the server makes one (40 characters, base64url). The answer always carries it. `invalid` for a
  /// field; `conflict` if the access key is taken.
  async::Task<Result<AccountAndSecret>> create(Account account, std::optional<Secret> secret);

  /// `not_found` if there is none.
  async::Task<Result<Account>> get(std::string access_key);

  /// Accounts behind `after` (nothing: from the start), at most `limit` (1 to 1000).
  async::Task<Result<AccountPage>> list(std::optional<std::string> after, std::uint32_t limit);

  /// The answer carries the secret if the server made a new one. `not_found`, `invalid`,
  /// `precondition`; `conflict` if it would leave no enabled administrator.
  async::Task<Result<AccountAndSecret>> update(std::string access_key, AccountChange change);

  /// Removes an account and answers with what it was. `not_found`; `conflict` for the last enabled
  /// administrator.
  async::Task<Result<Account>> remove(std::string access_key);

  /// What to verify a signature of this access key with; null if there is no such account. From
  /// memory as a rule. After a change has returned, no call gives what was before it. `corrupt` if
  /// the secret can't be opened.
  async::Task<Result<std::shared_ptr<const Credentials>>> credentials(std::string access_key);
  /// The same if it is in memory; nothing if `credentials` has to look.
  std::optional<std::shared_ptr<const Credentials>> credentials_at_hand(
      const std::string& access_key);

  /// Goes over to `box`, which must open what is there (SecretBox::also_open), and seals every
  /// secret anew with it. Requests go on meanwhile. Gives the number of accounts rewritten. If it
  /// fails half-way, call it again: what is done stays done.
  async::Task<Result<std::size_t>> rekey(SecretBox box);

  /// Whether the box opens what is stored, tried on the first account: a lost or exchanged key file
  /// shows at the start, not at the first request. `corrupt` if not; success if there is no
  /// account.
  async::Task<Result<void>> check_master_key();

  /// For the start of a server. Without an enabled administrator it makes one: with the given
  /// access key, or "admin", and with the given secret, or one that it makes and returns. If there
  /// is one and both are given, they are the operator's way back in: the account of that key
  /// becomes an enabled administrator with that secret; a key of no account is `ignored`.
  async::Task<Result<RootOutcome>> ensure_root(std::optional<std::string> access_key,
                                               std::optional<Secret> secret);

 private:
  /// How many enabled administrators there are.
  struct Guard {
    std::int64_t administrators = 0;
    std::uint64_t revision = 0;
  };

  std::shared_ptr<const SecretBox> box() const;
  async::Task<Result<StoredAccount>> load(std::string access_key);
  async::Task<Result<Guard>> guard();
  /// Applies one change of one account, with the guard if the number of enabled administrators
  /// changes by `administrators`.
  async::Task<Result<void>> apply(catalogue::Batch batch, std::string access_key,
                                  int administrators);
  async::Task<Result<AccountAndSecret>> update_once(std::string access_key, AccountChange change);
  async::Task<Result<Account>> remove_once(std::string access_key);
  async::Task<Result<std::size_t>> reseal_all();
  async::Task<Result<bool>> reseal(std::string access_key);
  async::Task<Result<RootOutcome>> restore_root(std::string access_key, Secret secret);

  catalogue::Client& catalogue_;
  const Clock& clock_;
  mutable std::mutex box_mutex_;
  std::shared_ptr<const SecretBox> box_;
  CredentialCache cache_;
};

}  // namespace visor::auth
