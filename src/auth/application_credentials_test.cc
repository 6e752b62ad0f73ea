#include "auth/application_credentials.h"

#include "auth/auth_fixture.h"

namespace visor::auth {
namespace {

class ApplicationCredentialsTest : public AuthFixture {
 protected:
  Result<CredentialAndSecret> create(const std::string& access_key, ApplicationCredential wanted,
                                     std::optional<Secret> secret = {}) {
    return run(
        desk_->credentials.create(account(access_key), std::move(wanted), std::move(secret)));
  }
  static ApplicationCredential named(std::string name) {
    ApplicationCredential wanted;
    wanted.name = std::move(name);
    return wanted;
  }
  std::size_t count(const std::string& access_key) {
    return run(desk_->credentials.list(account(access_key)))->size();
  }
};

TEST_F(ApplicationCredentialsTest, AreKeptAcrossARestart) {
  ApplicationCredential wanted = named("backup");
  wanted.description = "every night";
  wanted.expires = clock_.now() + std::chrono::hours(24);
  wanted.unrestricted = true;
  const auto made = create("ada", wanted);
  ASSERT_TRUE(made);
  restart();
  const auto found = run(desk_->credentials.get(account("ada"), made->credential.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "backup");
  EXPECT_EQ(found->description, "every night");
  EXPECT_EQ(found->expires, wanted.expires);
  EXPECT_TRUE(found->unrestricted);
  EXPECT_EQ(found->roles, (std::vector<std::string>{"member", "reader"}));
  EXPECT_EQ(found->created, clock_.now());
  EXPECT_TRUE(log_in(login_with(*made)));
}

TEST_F(ApplicationCredentialsTest, AreFoundByNameInTheirAccount) {
  const auto made = create("ada", named("backup"), Secret("chosen by ada"));
  ASSERT_TRUE(made);
  Login login;
  login.method = Login::Method::application_credential;
  login.access_key = "ada";
  login.name = "backup";
  login.secret = Secret("chosen by ada");
  EXPECT_TRUE(log_in(login));
  login.access_key = "bob";
  EXPECT_EQ(code_of(log_in(login)), Code::unauthenticated);
}

TEST_F(ApplicationCredentialsTest, ANameIsTakenOnceInAnAccount) {
  ASSERT_TRUE(create("ada", named("backup")));
  EXPECT_EQ(code_of(create("ada", named("backup"))), Code::conflict);
  const auto bobs = create("bob", named("backup"));
  ASSERT_TRUE(bobs);
  ASSERT_TRUE(run(desk_->credentials.remove(account("bob"), bobs->credential.id)));
  EXPECT_EQ(code_of(run(desk_->credentials.remove(account("bob"), bobs->credential.id))),
            Code::not_found);
  EXPECT_TRUE(create("bob", named("backup")));
}

TEST_F(ApplicationCredentialsTest, WhatIsWrongWithOneIsTold) {
  EXPECT_EQ(code_of(create("ada", named(""))), Code::invalid);
  EXPECT_EQ(code_of(create("ada", named(std::string(256, 'n')))), Code::invalid);
  EXPECT_EQ(code_of(create("ada", named("\xff"))), Code::invalid);
  EXPECT_EQ(code_of(create("ada", named("short"), Secret("short"))), Code::invalid);
  ApplicationCredential admin = named("admin");
  admin.roles = {"admin"};
  EXPECT_EQ(code_of(create("ada", admin)), Code::invalid);
  EXPECT_TRUE(create("root", admin));
  admin.roles = {"king"};
  EXPECT_EQ(code_of(create("root", admin)), Code::invalid);
}

TEST_F(ApplicationCredentialsTest, AnAccountHasAHundredAtMost) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(create("ada", named(std::to_string(i))));
  EXPECT_EQ(code_of(create("ada", named("100"))), Code::quota);
  EXPECT_TRUE(create("bob", named("100")));
}

TEST_F(ApplicationCredentialsTest, AnExpiredOneIsRefused) {
  ApplicationCredential wanted = named("short-lived");
  wanted.expires = clock_.now() + std::chrono::minutes(5);
  const auto made = create("ada", wanted);
  const auto issued = log_in(login_with(*made));
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->good.token.expires, *wanted.expires);
  clock_.advance(std::chrono::minutes(5));
  EXPECT_EQ(code_of(log_in(login_with(*made))), Code::unauthenticated);
}

TEST_F(ApplicationCredentialsTest, OneEndsWithTheSecretThatItsAccountHad) {
  const auto made = create("ada", named("backup"));
  AccountChange renewal;
  renewal.renew_secret = true;
  change("ada", renewal);
  EXPECT_EQ(code_of(log_in(login_with(*made))), Code::unauthenticated);
}

TEST_F(ApplicationCredentialsTest, TheyGoWithTheirAccountAndAreSweptAway) {
  const auto made = create("ada", named("backup"));
  ASSERT_TRUE(create("bob", named("backup")));
  ASSERT_TRUE(run(desk_->accounts.remove("ada")));
  EXPECT_EQ(code_of(log_in(login_with(*made))), Code::unauthenticated);
  AuthFixture::create("ada", false);
  EXPECT_EQ(count("ada"), 0u);
  EXPECT_EQ(code_of(log_in(login_with(*made))), Code::unauthenticated);
  restart();
  catalogue::Query all;
  all.collection = "application_credentials";
  EXPECT_EQ(engine_.find(all)->records.size(), 1u);
  EXPECT_EQ(count("bob"), 1u);
}

TEST_F(ApplicationCredentialsTest, NoSecretLiesInTheCatalogue) {
  const auto made = create("ada", named("backup"));
  const auto record = engine_.get("application_credentials", made->credential.id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->document.find(made->secret.reveal()), std::string::npos);
}

}  // namespace
}  // namespace visor::auth
