// Accounts with all that tells who they are, over a catalogue in memory. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "async/executor.h"
#include "async/worker_pool.h"
#include "auth/accounts.h"
#include "auth/application_credentials.h"
#include "auth/guess_limit.h"
#include "auth/own_tokens.h"
#include "auth/passwords.h"
#include "auth/token_service.h"
#include "catalogue/memory/memory_catalogue.h"

namespace visor::auth {

/// What goes with the process: a second one over the same catalogue is a restarted server.
struct Desk {
  Desk(catalogue::Client& catalogue, const SecretBox& box, const Clock& clock)
      : accounts(catalogue, box, clock),
        guesses(clock),
        passwords(accounts, guesses),
        credentials(catalogue, accounts, guesses, clock),
        tokens(catalogue, accounts, credentials, box.derive("tokens"), clock),
        service(accounts, passwords, credentials, tokens, std::chrono::hours(1)) {
    EXPECT_TRUE(async::run_until_done(credentials.sweep()));
    EXPECT_TRUE(async::run_until_done(tokens.load()));
  }

  Accounts accounts;
  GuessLimit guesses;
  Passwords passwords;
  ApplicationCredentials credentials;
  OwnTokens tokens;
  TokenService service;
};

class AuthFixture : public testing::Test {
 protected:
  AuthFixture() {
    create("root", true);
    create("ada", false);
    create("bob", false);
  }

  template <class T>
  static T run(async::Task<T> task) {
    return async::run_until_done(std::move(task));
  }
  static Secret secret_of(const std::string& access_key) {
    return Secret("secret-of-" + access_key);
  }

  void create(const std::string& access_key, bool administrator) {
    Account account;
    account.access_key = access_key;
    account.email = access_key + "@example.org";
    account.administrator = administrator;
    EXPECT_TRUE(run(desk_->accounts.create(std::move(account), secret_of(access_key))));
  }
  void change(const std::string& access_key, const AccountChange& change) {
    EXPECT_TRUE(run(desk_->accounts.update(access_key, change)));
  }
  void restart() { desk_.emplace(catalogue_, box_, clock_); }

  std::shared_ptr<const Credentials> account(const std::string& access_key) {
    return run(desk_->accounts.credentials(access_key)).value();
  }
  static Login password_of(const std::string& access_key, WantedScope scope = {}) {
    Login login;
    login.access_key = access_key;
    login.secret = secret_of(access_key);
    login.scope = std::move(scope);
    return login;
  }
  Result<OwnTokens::Issued> log_in(Login login, std::string_view address = "192.0.2.7") {
    return run(desk_->service.log_in(std::move(login), address));
  }
  /// The text of a new token.
  std::string token_of(const std::string& access_key, WantedScope scope = {}) {
    auto issued = log_in(password_of(access_key, std::move(scope)));
    EXPECT_TRUE(issued) << issued.error().message;
    return issued ? std::string(issued->text.reveal()) : "";
  }
  Result<GoodToken> check(const std::string& text) { return run(desk_->tokens.check(text)); }
  GoodToken caller(const std::string& access_key) { return check(token_of(access_key)).value(); }
  CredentialAndSecret credential_of(const std::string& access_key,
                                    ApplicationCredential wanted = {}) {
    if (wanted.name.empty()) wanted.name = "backup";
    return run(desk_->credentials.create(account(access_key), std::move(wanted), std::nullopt))
        .value();
  }
  static Login login_with(const CredentialAndSecret& made) {
    Login login;
    login.method = Login::Method::application_credential;
    login.credential = made.credential.id;
    login.secret = made.secret;
    return login;
  }

  ManualClock clock_{*parse_basic_time("20260314T150926Z")};
  catalogue::MemoryCatalogue engine_;
  async::WorkerPool pool_{"auth", 4, 1000};
  catalogue::Client catalogue_{engine_, pool_};
  SecretBox box_ = SecretBox::generate();
  std::optional<Desk> desk_{std::in_place, catalogue_, box_, clock_};
};

template <class T>
Code code_of(const Result<T>& result) {
  EXPECT_FALSE(result);
  return result ? Code::internal : result.error().code;
}

}  // namespace visor::auth
