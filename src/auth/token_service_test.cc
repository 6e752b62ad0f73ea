#include "auth/token_service.h"

#include <algorithm>

#include "auth/auth_fixture.h"

namespace visor::auth {
namespace {

using Kind = WantedScope::Kind;

class TokenServiceTest : public AuthFixture {
 protected:
  Result<OwnTokens::Issued> rescope(const std::string& token, WantedScope scope = {}) {
    Login login;
    login.method = Login::Method::token;
    login.secret = Secret(token);
    login.scope = std::move(scope);
    return log_in(std::move(login));
  }
};

TEST_F(TokenServiceTest, WhoeverCannotShowWhoItIsGetsOneAnswer) {
  Login wrong = password_of("ada");
  wrong.secret = Secret("secret-of-bob");
  const auto first = log_in(wrong);
  EXPECT_EQ(code_of(first), Code::unauthenticated);
  AccountChange off;
  off.enabled = false;
  change("bob", off);
  for (const Login& login : {password_of("bob"), password_of("nobody"), password_of("")}) {
    const auto refused = log_in(login);
    EXPECT_EQ(code_of(refused), Code::unauthenticated);
    EXPECT_EQ(refused.error().message, first.error().message);
  }
}

TEST_F(TokenServiceTest, AScopeIsTheOwnProjectOrTheServerForAdministrators) {
  EXPECT_EQ(log_in(password_of("ada"))->good.token.scope, TokenScope::project);
  EXPECT_EQ(log_in(password_of("ada", {Kind::project, "ada"}))->good.token.scope,
            TokenScope::project);
  EXPECT_EQ(log_in(password_of("ada", {Kind::none}))->good.token.scope, TokenScope::none);
  EXPECT_EQ(log_in(password_of("root", {Kind::system}))->good.token.scope, TokenScope::system);
  EXPECT_EQ(code_of(log_in(password_of("ada", {Kind::system}))), Code::unauthenticated);
  EXPECT_EQ(code_of(log_in(password_of("ada", {Kind::project, "bob"}))), Code::unauthenticated);
  EXPECT_EQ(code_of(log_in(password_of("root", {Kind::project, "ada"}))), Code::unauthenticated);
  EXPECT_EQ(code_of(log_in(password_of("root", {Kind::elsewhere}))), Code::unauthenticated);
}

TEST_F(TokenServiceTest, ATokenMadeFromATokenEndsWithIt) {
  const std::string unscoped = token_of("ada", {Kind::none});
  clock_.advance(std::chrono::minutes(40));
  auto made = rescope(unscoped, {Kind::project, "ada"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->good.token.methods, (std::vector<std::string>{"password", "token"}));
  EXPECT_EQ(made->good.token.expires, clock_.now() + std::chrono::minutes(20));
  EXPECT_FALSE(made->good.token.parent.empty());
  clock_.advance(std::chrono::minutes(20));
  EXPECT_FALSE(check(std::string(made->text.reveal())));
  EXPECT_EQ(code_of(rescope(unscoped)), Code::unauthenticated);
}

TEST_F(TokenServiceTest, TokensAreLookedAtByTheirAccountAndByAdministrators) {
  const std::string token = token_of("ada");
  EXPECT_TRUE(run(desk_->service.look_up(caller("ada"), token)));
  EXPECT_TRUE(run(desk_->service.look_up(caller("root"), token)));
  EXPECT_EQ(code_of(run(desk_->service.look_up(caller("bob"), token))), Code::forbidden);
  EXPECT_EQ(code_of(run(desk_->service.revoke(caller("bob"), token))), Code::forbidden);
  EXPECT_EQ(code_of(run(desk_->service.look_up(caller("ada"), "none"))), Code::not_found);
  EXPECT_TRUE(run(desk_->service.revoke(caller("ada"), token)));
  EXPECT_EQ(code_of(run(desk_->service.look_up(caller("ada"), token))), Code::not_found);
  EXPECT_EQ(code_of(run(desk_->service.caller(token))), Code::unauthenticated);
  EXPECT_EQ(code_of(run(desk_->service.caller(""))), Code::unauthenticated);
}

TEST_F(TokenServiceTest, AccountsAreSeenByThemselvesAndByAdministrators) {
  EXPECT_TRUE(run(desk_->service.account(caller("ada"), "ada")));
  EXPECT_TRUE(run(desk_->service.account(caller("root"), "ada")));
  EXPECT_EQ(code_of(run(desk_->service.account(caller("ada"), "bob"))), Code::forbidden);
  // Whether it is there is nobody else's business.
  EXPECT_EQ(code_of(run(desk_->service.account(caller("ada"), "nobody"))), Code::forbidden);
  EXPECT_EQ(code_of(run(desk_->service.account(caller("root"), "nobody"))), Code::not_found);
  EXPECT_EQ(run(desk_->service.accounts(caller("root")))->accounts.size(), 3u);
  EXPECT_EQ(code_of(run(desk_->service.accounts(caller("ada")))), Code::forbidden);
}

TEST_F(TokenServiceTest, AnApplicationCredentialGivesItsHolderItsRolesAndNoMore) {
  ApplicationCredential reader;
  reader.name = "reader";
  reader.roles = {"reader"};
  const auto made = credential_of("root", reader);
  auto issued = log_in(login_with(made));
  ASSERT_TRUE(issued);
  const Principal who = issued->good.principal();
  EXPECT_EQ(who.account, "root");
  EXPECT_TRUE(who.read_only);
  EXPECT_FALSE(who.administrator);
  EXPECT_FALSE(who.may_refer);
  EXPECT_EQ(issued->good.roles(), std::vector<std::string>{"reader"});
  // By no way around.
  auto again = rescope(std::string(issued->text.reveal()));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->good.principal().read_only);
  EXPECT_EQ(code_of(rescope(std::string(issued->text.reveal()), {Kind::system})),
            Code::unauthenticated);
  EXPECT_EQ(code_of(rescope(std::string(issued->text.reveal()), {Kind::none})),
            Code::unauthenticated);
}

TEST_F(TokenServiceTest, AnApplicationCredentialMakesNoOthersUnlessItMay) {
  const auto restricted = log_in(login_with(credential_of("ada")));
  ASSERT_TRUE(restricted);
  ApplicationCredential wanted;
  wanted.name = "offspring";
  const auto make = [&](const GoodToken& who, const ApplicationCredential& one) {
    return run(desk_->service.create_credential(who, "ada", one, std::nullopt));
  };
  EXPECT_EQ(code_of(make(restricted->good, wanted)), Code::forbidden);
  EXPECT_EQ(code_of(run(desk_->service.remove_credential(restricted->good, "ada",
                                                         restricted->good.token.credential))),
            Code::forbidden);

  ApplicationCredential free;
  free.name = "free";
  free.unrestricted = true;
  free.roles = {"reader"};
  const auto unrestricted = log_in(login_with(credential_of("ada", free)));
  ASSERT_TRUE(unrestricted);
  wanted.roles = {"member"};
  EXPECT_EQ(code_of(make(unrestricted->good, wanted)), Code::invalid);
  wanted.roles = {};
  const auto offspring = make(unrestricted->good, wanted);
  ASSERT_TRUE(offspring);
  EXPECT_EQ(offspring->credential.roles, std::vector<std::string>{"reader"});
}

TEST_F(TokenServiceTest, ApplicationCredentialsAreTheirUsersBusiness) {
  const auto made = credential_of("ada");
  const std::string& id = made.credential.id;
  EXPECT_EQ(run(desk_->service.list_credentials(caller("ada"), "ada"))->size(), 1u);
  EXPECT_TRUE(run(desk_->service.get_credential(caller("ada"), "ada", id)));
  EXPECT_EQ(code_of(run(desk_->service.get_credential(caller("bob"), "ada", id))), Code::forbidden);
  EXPECT_EQ(code_of(run(desk_->service.get_credential(caller("bob"), "bob", id))), Code::not_found);
  EXPECT_EQ(code_of(run(desk_->service.remove_credential(caller("bob"), "bob", id))),
            Code::not_found);
  EXPECT_EQ(code_of(run(desk_->service.list_credentials(caller("root"), "ada"))), Code::forbidden);
}

TEST_F(TokenServiceTest, ARemovedApplicationCredentialEndsItsTokens) {
  const auto made = credential_of("ada");
  const auto issued = log_in(login_with(made));
  ASSERT_TRUE(issued);
  const std::string token(issued->text.reveal());
  ASSERT_TRUE(check(token));
  ASSERT_TRUE(run(desk_->service.remove_credential(caller("ada"), "ada", made.credential.id)));
  EXPECT_EQ(code_of(check(token)), Code::unauthenticated);
  EXPECT_EQ(code_of(log_in(login_with(made))), Code::unauthenticated);
}

}  // namespace
}  // namespace visor::auth
