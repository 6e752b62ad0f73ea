#include "auth/own_tokens.h"

#include "auth/auth_fixture.h"
#include "auth/own_identity.h"
#include "base/encoding.h"

namespace visor::auth {
namespace {

using Kind = WantedScope::Kind;

class OwnTokensTest : public AuthFixture {
 protected:
  Result<Principal> identify(const std::string& token, const std::string& service = {}) {
    OwnIdentity identity(desk_->tokens, {.address = "http://127.0.0.1:5000/v3"});
    return run(identity.identify({.token = token, .service_token = service}));
  }
  void expect_refused(const std::string& token) {
    const auto refused = identify(token);
    EXPECT_EQ(code_of(refused), Code::unauthenticated) << token;
  }
};

TEST_F(OwnTokensTest, ATokenNamesItsAccount) {
  const auto who = identify(token_of("ada"));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->account, "ada");
  EXPECT_FALSE(who->administrator);
  EXPECT_FALSE(who->read_only);
  EXPECT_FALSE(who->service);
  EXPECT_TRUE(identify(token_of("root"))->administrator);
}

TEST_F(OwnTokensTest, ATokenIsGoodAfterARestartUntilItsEnd) {
  const std::string token = token_of("ada");
  restart();
  EXPECT_TRUE(identify(token));
  clock_.advance(std::chrono::minutes(59));
  EXPECT_TRUE(identify(token));
  clock_.advance(std::chrono::minutes(1));
  expect_refused(token);
}

TEST_F(OwnTokensTest, NothingInATokenCanBeChanged) {
  const std::string token = token_of("ada");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    expect_refused(changed);
  }
  expect_refused("");
  expect_refused(token + ".");
  expect_refused(token.substr(0, token.size() - 1));
  expect_refused(std::string(100'000, 'v'));
}

TEST_F(OwnTokensTest, ATokenOfAnotherServerIsRefused) {
  Token token;
  token.id = std::string(32, 'a');
  token.account = "root";
  token.issued = clock_.now();
  token.expires = token.issued + std::chrono::hours(1);
  expect_refused(write_token(token, Secret("a guessed key")));
  token.account = "nobody";
  expect_refused(write_token(token, Secret("a guessed key")));
}

TEST_F(OwnTokensTest, ARevokedTokenIsOverForGoodAndOthersAreNot) {
  const std::string token = token_of("ada");
  const std::string other = token_of("ada");
  ASSERT_TRUE(run(desk_->tokens.revoke(check(token)->token)));
  expect_refused(token);
  EXPECT_TRUE(identify(other));
  restart();
  expect_refused(token);
  EXPECT_TRUE(identify(other));
}

TEST_F(OwnTokensTest, RevocationsAreForgottenOnceTheyMeanNothing) {
  ASSERT_TRUE(run(desk_->tokens.revoke(check(token_of("ada"))->token)));
  const auto records = [this] {
    catalogue::Query query;
    query.collection = "revoked_tokens";
    return engine_.find(query)->records.size();
  };
  ASSERT_TRUE(run(desk_->tokens.tidy()));
  EXPECT_EQ(records(), 1u);
  clock_.advance(std::chrono::hours(3));
  ASSERT_TRUE(run(desk_->tokens.tidy()));
  EXPECT_EQ(records(), 0u);
}

TEST_F(OwnTokensTest, WhoRevokesWithoutEndIsStoppedAndOthersAreNot) {
  Token token = check(token_of("ada"))->token;
  for (int i = 0; i < 10'000; ++i) {
    token.id = "token-" + std::to_string(i);
    ASSERT_TRUE(run(desk_->tokens.revoke(token)));
  }
  token.id = "one more";
  EXPECT_EQ(code_of(run(desk_->tokens.revoke(token))), Code::rate_limited);
  token.id = "token-1";
  EXPECT_TRUE(run(desk_->tokens.revoke(token)));
  EXPECT_TRUE(run(desk_->tokens.revoke(check(token_of("bob"))->token)));
  clock_.advance(std::chrono::hours(3));
  ASSERT_TRUE(run(desk_->tokens.tidy()));
  token.id = "one more";
  EXPECT_TRUE(run(desk_->tokens.revoke(token)));
}

TEST_F(OwnTokensTest, ANewSecretEndsOlderTokens) {
  const std::string token = token_of("ada");
  AccountChange renewal;
  renewal.secret = Secret("another-secret-of-ada");
  change("ada", renewal);
  expect_refused(token);
}

TEST_F(OwnTokensTest, DisablingEndsOlderTokensForGood) {
  const std::string token = token_of("ada");
  clock_.advance(std::chrono::seconds(1));
  AccountChange off;
  off.enabled = false;
  change("ada", off);
  expect_refused(token);
  AccountChange on;
  on.enabled = true;
  change("ada", on);
  expect_refused(token);
  EXPECT_TRUE(identify(token_of("ada")));
}

TEST_F(OwnTokensTest, RemovingAnAccountEndsItsTokensThoughItIsMadeAgainAsItWas) {
  const std::string token = token_of("ada");
  ASSERT_TRUE(run(desk_->accounts.remove("ada")));
  expect_refused(token);
  create("ada", false);
  expect_refused(token);
}

TEST_F(OwnTokensTest, ATokenFollowsItsAccountsRole) {
  const std::string token = token_of("ada");
  AccountChange promotion;
  promotion.administrator = true;
  change("ada", promotion);
  EXPECT_TRUE(identify(token)->administrator);
  promotion.administrator = false;
  change("ada", promotion);
  EXPECT_FALSE(identify(token)->administrator);
}

TEST_F(OwnTokensTest, ATokenForNoProjectIsKnownAndNotLetIn) {
  EXPECT_EQ(code_of(identify(token_of("ada", {Kind::none}))), Code::forbidden);
}

TEST_F(OwnTokensTest, AnAdministratorsSecondTokenVouchesForTheCall) {
  const std::string token = token_of("ada");
  EXPECT_TRUE(identify(token, token_of("root"))->service);
  EXPECT_FALSE(identify(token, token_of("bob"))->service);
  EXPECT_EQ(code_of(identify(token, "no token")), Code::unauthenticated);
}

TEST_F(OwnTokensTest, TheImageServiceIsFoundInItsRegionWhereItsCallerFoundIt) {
  OwnIdentity identity(desk_->tokens, {.region = "North"});
  OwnIdentity elsewhere(desk_->tokens,
                        {.region = "North", .image_address = "https://images.example"});
  const std::string token = token_of("ada");
  const ServiceQuery query{"image", "North", "public", "http://127.0.0.1:9292"};
  EXPECT_EQ(run(identity.find_service(Secret(token), query)), "http://127.0.0.1:9292");
  EXPECT_EQ(run(elsewhere.find_service(Secret(token), query)), "https://images.example");
  for (const ServiceQuery& other :
       {ServiceQuery{"volume", "North", "public"}, ServiceQuery{"image", "South", "public"},
        ServiceQuery{"image", "North", "private"}}) {
    EXPECT_EQ(code_of(run(identity.find_service(Secret(token), other))), Code::not_found);
  }
  EXPECT_EQ(code_of(run(identity.find_service(Secret(std::string("no token")), query))),
            Code::unauthenticated);
}

TEST_F(OwnTokensTest, FurtherEndpointsAreFoundAndBeatItsOwn) {
  OwnIdentity identity(desk_->tokens,
                       {.region = "North",
                        .endpoints = {{"image", "South", "public", "http://south.example"},
                                      {"image", "North", "internal", "http://10.0.0.7:9292"}}});
  const Secret token(token_of("ada"));
  const std::string here = "http://127.0.0.1:9292";
  const auto find = [&](std::string region, std::string interface) {
    return run(
        identity.find_service(token, {"image", std::move(region), std::move(interface), here}));
  };
  EXPECT_EQ(find("South", "public"), "http://south.example");
  EXPECT_EQ(find("North", "internal"), "http://10.0.0.7:9292");
  EXPECT_EQ(find("North", "public"), here);
  EXPECT_EQ(code_of(find("South", "internal")), Code::not_found);
}

TEST_F(OwnTokensTest, TheChallengeSaysWhereTokensAreHad) {
  EXPECT_EQ(OwnIdentity(desk_->tokens, {.address = "http://127.0.0.1:5000/v3"}).challenge(),
            "Keystone uri=\"http://127.0.0.1:5000/v3\"");
  EXPECT_EQ(OwnIdentity(desk_->tokens, {}).challenge(), "Keystone");
}

}  // namespace
}  // namespace visor::auth
