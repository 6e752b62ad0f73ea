// Asking Keystone.
//
// Source: the Identity API v3, "Authentication and token management".
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/single_flight.h"
#include "async/task.h"
#include "auth/keystone_token.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "document/value.h"
#include "fetch/fetch.h"

namespace visor::auth {

/// As whom the server asks: a user with a password in a project, or an application credential.
struct KeystoneLogin {
  std::string username;
  std::string user_domain = "Default";  ///< its name
  std::string project;
  std::string project_domain = "Default";  ///< its name
  Secret password;
  std::string application_credential;  ///< the id; empty: the user
  Secret application_credential_secret;
};

struct KeystoneEndpoints {
  std::vector<std::string> addresses;  ///< http(s)://HOST[:PORT][/PATH], without /v3; at least one
  std::chrono::milliseconds timeout{10'000};
  std::string authorities_file = {};  ///< PEM; empty: the system's
};

/// Asks Keystone whose a token is, with a token of the server's own, which it gets, renews ahead of
/// its end, and gets anew when Keystone refuses it. Where Keystone has several addresses, the next
/// one is asked when one doesn't answer, and the one that did is asked first from then on.
/// Thread-safe; calls are made on an executor's thread. `clock` outlives it.
class KeystoneClient {
 public:
  /// Asks nobody. `invalid` for addresses and files that can't be used.
  static Result<std::unique_ptr<KeystoneClient>> create(KeystoneEndpoints endpoints,
                                                        KeystoneLogin login,
                                                        const Clock& clock = Clock::system());

  /// What Keystone says of a token. `even_expired`: also of one that is over for less than Keystone
  /// allows. `token` is printable ASCII. Errors: `unauthenticated` if it is not good;
  /// `unavailable` if Keystone can't be asked, or does not let the server ask.
  async::Task<Result<KeystoneToken>> look_up(Secret token, bool even_expired);

  /// The catalogue of the services that the token's owner can use: a list. Errors as `look_up`'s.
  async::Task<Result<document::Value>> catalogue_of(Secret token);

  /// Ends what is under way with an error; nothing begins any more.
  void stop() { fetcher_->stop(); }

 private:
  struct OwnToken {
    Secret text;
    Time renew;
    Time expires;
  };
  using Own = Result<std::shared_ptr<const OwnToken>>;
  struct Answer {
    int status = 0;
    std::string body;
    Secret subject;  ///< X-Subject-Token
  };

  KeystoneClient(KeystoneEndpoints endpoints, KeystoneLogin login,
                 std::unique_ptr<fetch::Fetcher> fetcher, const Clock& clock);

  async::Task<Own> own_token();
  async::Task<Own> log_in();
  Own refused_login(int status);
  void forget(const OwnToken& refused);
  /// One answer below 500 of any address. `body`: of a POST; empty: a GET.
  async::Task<Result<Answer>> ask(std::string path, std::vector<fetch::Field> fields,
                                  std::string body);
  async::Task<Result<Answer>> ask_once(std::string url, std::vector<fetch::Field> fields,
                                       const std::string& body);
  document::Value login_document() const;
  bool may_repeat();

  const KeystoneEndpoints endpoints_;
  const KeystoneLogin login_;
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  const Clock& clock_;
  async::SingleFlight<Own> logins_;
  std::atomic<std::size_t> preferred_{0};  ///< index of the address that answered last
  std::mutex mutex_;
  std::shared_ptr<const OwnToken> own_;
  std::chrono::steady_clock::time_point login_from_{};   ///< not asked before
  std::chrono::steady_clock::time_point repeat_from_{};  ///< no repetition before
};

}  // namespace visor::auth
