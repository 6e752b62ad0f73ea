// Against a server that answers as Keystone does, and as it does on its bad days.
#include "auth/keystone_identity.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "async/executor.h"
#include "async/when_all.h"
#include "auth/auth_fixture.h"
#include "support/scripted_server.h"

namespace visor::auth {
namespace {

using testing_support::field_of;
using testing_support::http_answer;
using testing_support::ScriptedConnection;
using testing_support::ScriptedServer;

std::string token_json(const std::string& roles, const std::string& scope, Time expires) {
  return R"({"token": {"methods": ["password"], "user": {"id": "u1", "name": "ada"}, "roles": [)" +
         roles + "], " + scope + R"("expires_at": ")" + format_iso_time(expires) + "\"}}";
}

/// What a Keystone knows, and how it behaves.
class FakeKeystone {
 public:
  explicit FakeKeystone(const Clock& clock) : clock_(clock) {}

  /// `roles`: `{"name": "member"}, ...`.
  void know(const std::string& token, const std::string& roles,
            const std::string& scope = R"("project": {"id": "p1"}, )",
            std::chrono::seconds life = std::chrono::hours(1)) {
    const std::scoped_lock lock(mutex_);
    tokens_[token] = token_json(roles, scope, clock_.now() + life);
  }
  void forget(const std::string& token) {
    const std::scoped_lock lock(mutex_);
    tokens_.erase(token);
  }
  /// Its own token is not good any more.
  void forget_own() {
    const std::scoped_lock lock(mutex_);
    own_.clear();
  }
  /// Answers instead and closes the connection, as long as it is not empty.
  void always(std::string answer) {
    const std::scoped_lock lock(mutex_);
    always_ = std::move(answer);
  }
  void refuse_logins(std::string status) {
    const std::scoped_lock lock(mutex_);
    login_refusal_ = std::move(status);
  }
  void own_tokens_live(std::chrono::seconds life) {
    const std::scoped_lock lock(mutex_);
    own_life_ = life;
  }
  int logins() const {
    const std::scoped_lock lock(mutex_);
    return logins_;
  }
  int questions() const {
    const std::scoped_lock lock(mutex_);
    return questions_;
  }
  std::string last_login() const {
    const std::scoped_lock lock(mutex_);
    return last_login_;
  }
  std::string last_question() const {
    const std::scoped_lock lock(mutex_);
    return last_question_;
  }

  ScriptedServer::Script script() {
    return [this](ScriptedConnection& connection) {
      while (true) {
        const std::string head = connection.read_head();
        if (head.empty()) return;
        const std::string length = field_of(head, "Content-Length");
        const std::string body = connection.read_body(length.empty() ? 0 : std::stoul(length));
        const std::string text = answer(head, body);
        if (text.empty() || !connection.send(text) || is_scripted()) return;
      }
    };
  }

 private:
  bool is_scripted() const {
    const std::scoped_lock lock(mutex_);
    return !always_.empty();
  }
  std::string answer(const std::string& head, const std::string& body) {
    const std::scoped_lock lock(mutex_);
    const bool login = head.starts_with("POST ");
    ++(login ? logins_ : questions_);
    (login ? last_login_ : last_question_) = login ? head + body : head;
    if (!always_.empty()) return always_;
    if (login) {
      if (!login_refusal_.empty()) return http_answer(login_refusal_, "{}");
      own_ = "own-" + std::to_string(logins_);
      return http_answer("201 Created",
                         token_json(R"({"name": "service"})", R"("project": {"id": "service"}, )",
                                    clock_.now() + own_life_),
                         "X-Subject-Token: " + own_ + "\r\n");
    }
    if (own_.empty() || field_of(head, "X-Auth-Token") != own_) {
      return http_answer("401 Unauthorized", "{}");
    }
    const auto found = tokens_.find(field_of(head, "X-Subject-Token"));
    if (found == tokens_.end()) return http_answer("404 Not Found", "{}");
    return http_answer("200 OK", found->second);
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> tokens_;
  std::string own_;
  std::chrono::seconds own_life_ = std::chrono::hours(1);
  std::string always_;
  std::string login_refusal_;
  std::string last_login_;
  std::string last_question_;
  int logins_ = 0;
  int questions_ = 0;
};

class KeystoneIdentityTest : public testing::Test {
 protected:
  void open(KeystoneIdentity::Options options = {}, std::vector<std::string> addresses = {},
            std::chrono::milliseconds timeout = std::chrono::minutes(2)) {
    KeystoneEndpoints endpoints;
    endpoints.addresses = addresses.empty() ? std::vector{server_.url("")} : std::move(addresses);
    endpoints.timeout = timeout;
    auto client = KeystoneClient::create(std::move(endpoints), login_, clock_);
    ASSERT_TRUE(client) << client.error().message;
    identity_ = std::make_unique<KeystoneIdentity>(std::move(*client), std::move(options), clock_);
  }
  Result<Principal> identify(const std::string& token, const std::string& service = {}) {
    if (!identity_) open();
    return async::run_until_done(identity_->identify({.token = token, .service_token = service}));
  }
  async::Task<Result<void>> expect_good(std::string token) {
    const Presented presented{.token = token};
    const auto who = co_await identity_->identify(presented);
    EXPECT_TRUE(who);
    co_return Result<void>{};
  }

  static KeystoneLogin user() {
    KeystoneLogin login;
    login.username = "visor";
    login.project = "service";
    login.password = Secret("the-password-of-visor");
    return login;
  }

  static constexpr const char* kMember = R"({"name": "Member"}, {"name": "reader"})";

  ManualClock clock_{*parse_basic_time("20260314T150926Z")};
  FakeKeystone keystone_{clock_};
  ScriptedServer server_{keystone_.script()};
  KeystoneLogin login_ = user();
  std::unique_ptr<KeystoneIdentity> identity_;
};

TEST_F(KeystoneIdentityTest, AMembersTokenIsItsProjects) {
  keystone_.know("t", kMember);
  const auto who = identify("t");
  ASSERT_TRUE(who) << who.error().where;
  EXPECT_EQ(who->account, "p1");
  EXPECT_EQ(who->user, "u1");
  EXPECT_FALSE(who->administrator);
  EXPECT_FALSE(who->read_only);
  EXPECT_FALSE(who->service);
}

TEST_F(KeystoneIdentityTest, RolesAreComparedInLowerCase) {
  keystone_.know("a", R"({"name": "ADMIN"})");
  keystone_.know("r", R"({"name": "Reader"})");
  EXPECT_TRUE(identify("a")->administrator);
  EXPECT_FALSE(identify("a")->read_only);
  EXPECT_TRUE(identify("r")->read_only);
  EXPECT_FALSE(identify("r")->administrator);
}

TEST_F(KeystoneIdentityTest, WhichRolesMeanWhatIsConfigured) {
  KeystoneIdentity::Options options;
  options.roles.administrators = {"cloud-admin"};
  options.roles.readers = {"reader", "auditor"};
  options.roles.administrator_projects = {"p2"};
  open(options);
  keystone_.know("plain", R"({"name": "admin"})");
  keystone_.know("elsewhere", R"({"name": "cloud-admin"})");
  keystone_.know("there", R"({"name": "cloud-admin"})", R"("project": {"id": "p2"}, )");
  keystone_.know("auditor", R"({"name": "auditor"}, {"name": "reader"})");
  EXPECT_FALSE(identify("plain")->administrator);
  EXPECT_FALSE(identify("elsewhere")->administrator);
  EXPECT_TRUE(identify("there")->administrator);
  EXPECT_TRUE(identify("auditor")->read_only);
}

TEST_F(KeystoneIdentityTest, AnAdministratorOutsideTheAdminProjectIsNone) {
  keystone_.know("t", R"({"name": "admin"})",
                 R"("project": {"id": "p1"}, "is_admin_project": false, )");
  EXPECT_FALSE(identify("t")->administrator);
}

TEST_F(KeystoneIdentityTest, ATokenNeedsAProjectUnlessItIsASystemAdministrators) {
  keystone_.know("unscoped", "", "");
  keystone_.know("domain", R"({"name": "admin"})", R"("domain": {"id": "d1"}, )");
  keystone_.know("reader", R"({"name": "reader"})", R"("system": {"all": true}, )");
  keystone_.know("system", R"({"name": "admin"})", R"("system": {"all": true}, )");
  keystone_.know("no role", "");
  EXPECT_EQ(code_of(identify("unscoped")), Code::forbidden);
  EXPECT_EQ(code_of(identify("domain")), Code::forbidden);
  EXPECT_EQ(code_of(identify("reader")), Code::forbidden);
  const auto who = identify("system");
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->administrator);
  EXPECT_EQ(who->account, "u1");
}

TEST_F(KeystoneIdentityTest, AnUnknownTokenIsRefusedAndAskedForAgainAfterAWhile) {
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
  EXPECT_EQ(keystone_.questions(), 1);
  keystone_.know("t", kMember);
  clock_.advance(std::chrono::seconds(10));
  EXPECT_TRUE(identify("t"));
}

TEST_F(KeystoneIdentityTest, WhatCanBeNoTokenIsRefusedUnasked) {
  for (const std::string& text : {std::string(), std::string("a b"), std::string("a\nb"),
                                  std::string("\xc3\xa4"), std::string(8193, 'a')}) {
    EXPECT_EQ(code_of(identify(text)), Code::unauthenticated);
  }
  EXPECT_EQ(keystone_.questions(), 0);
  EXPECT_EQ(keystone_.logins(), 0);
}

TEST_F(KeystoneIdentityTest, AnAnswerIsTrustedForAsLongAsConfigured) {
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  keystone_.forget("t");
  clock_.advance(std::chrono::minutes(5) - std::chrono::seconds(1));
  EXPECT_TRUE(identify("t"));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
  EXPECT_EQ(keystone_.questions(), 2);
}

TEST_F(KeystoneIdentityTest, WithoutAMemoryARevokedTokenIsOverAtOnce) {
  KeystoneIdentity::Options options;
  options.memory = std::chrono::seconds(0);
  open(options);
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  ASSERT_TRUE(identify("t"));
  EXPECT_EQ(keystone_.questions(), 2);
  keystone_.forget("t");
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
}

TEST_F(KeystoneIdentityTest, ATokenThatIsOverIsRefusedByTheClock) {
  keystone_.know("t", kMember, R"("project": {"id": "p1"}, )", std::chrono::seconds(60));
  ASSERT_TRUE(identify("t"));
  clock_.advance(std::chrono::seconds(60));
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
}

TEST_F(KeystoneIdentityTest, AClockThatWentBackMakesNoAnswerLiveLonger) {
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  keystone_.forget("t");
  clock_.advance(-std::chrono::hours(2));
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
}

TEST_F(KeystoneIdentityTest, AServicesTokenVouchesAndLetsLongWorkEnd) {
  keystone_.know("t", kMember, R"("project": {"id": "p1"}, )", -std::chrono::seconds(60));
  keystone_.know("nova", R"({"name": "Service"})");
  keystone_.know("bob", kMember);
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
  EXPECT_EQ(code_of(identify("t", "bob")), Code::unauthenticated);
  EXPECT_EQ(code_of(identify("t", "nobody")), Code::unauthenticated);
  const auto who = identify("t", "nova");
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->service);
  EXPECT_EQ(who->account, "p1");
  EXPECT_NE(keystone_.last_question().find("allow_expired=1"), std::string::npos);
  // What was let in for the service is not remembered for others.
  EXPECT_EQ(code_of(identify("t")), Code::unauthenticated);
}

TEST_F(KeystoneIdentityTest, ManyRequestsWithOneTokenAreOneQuestion) {
  keystone_.know("t", kMember);
  open();
  std::vector<async::Task<Result<void>>> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(expect_good("t"));
  EXPECT_TRUE(async::run_until_done(async::when_all(std::move(requests))));
  EXPECT_EQ(keystone_.questions(), 1);
  EXPECT_EQ(keystone_.logins(), 1);
}

TEST_F(KeystoneIdentityTest, GuessedTokensDoNotPushGoodOnesOut) {
  KeystoneIdentity::Options options;
  options.entries = 4;
  open(options);
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(identify("guess-" + std::to_string(i)));
  const int asked = keystone_.questions();
  EXPECT_TRUE(identify("t"));
  EXPECT_EQ(keystone_.questions(), asked);
}

TEST_F(KeystoneIdentityTest, ItsOwnTokenIsGotWithAPasswordAndRenewedAheadOfItsEnd) {
  keystone_.know("t", kMember);
  keystone_.know("u", kMember);
  ASSERT_TRUE(identify("t"));
  const std::string login = keystone_.last_login();
  EXPECT_NE(login.find("POST /v3/auth/tokens?nocatalog"), std::string::npos);
  EXPECT_NE(login.find(R"("name":"visor")"), std::string::npos);
  EXPECT_NE(login.find(R"("password":"the-password-of-visor")"), std::string::npos);
  EXPECT_NE(login.find(R"("scope":{"project":{"name":"service","domain":{"name":"Default"}}})"),
            std::string::npos);
  clock_.advance(std::chrono::minutes(59));
  EXPECT_TRUE(identify("u"));
  EXPECT_EQ(keystone_.logins(), 2);
}

TEST_F(KeystoneIdentityTest, ItsOwnTokenIsGotWithAnApplicationCredential) {
  login_ = {};
  login_.application_credential = "21dc";
  login_.application_credential_secret = Secret("the-secret");
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  const std::string login = keystone_.last_login();
  EXPECT_NE(login.find(R"("application_credential":{"id":"21dc","secret":"the-secret"})"),
            std::string::npos);
  EXPECT_EQ(login.find("scope"), std::string::npos);
}

TEST_F(KeystoneIdentityTest, ItsOwnTokenIsGotAnewWhenKeystoneRefusesIt) {
  keystone_.know("t", kMember);
  keystone_.know("u", kMember);
  ASSERT_TRUE(identify("t"));
  keystone_.forget_own();
  EXPECT_TRUE(identify("u"));
  EXPECT_EQ(keystone_.logins(), 2);
}

TEST_F(KeystoneIdentityTest, WhileItsOwnTokenIsGoodALoginThatFailsIsNoObstacle) {
  keystone_.know("t", kMember);
  keystone_.know("u", kMember);
  ASSERT_TRUE(identify("t"));
  clock_.advance(std::chrono::seconds(3590));
  keystone_.refuse_logins("500 Oh No");
  keystone_.know("v", kMember);
  EXPECT_TRUE(identify("v"));
}

TEST_F(KeystoneIdentityTest, ARefusedLoginIsNotTriedAgainAtOnce) {
  keystone_.refuse_logins("401 Unauthorized");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(code_of(identify("t")), Code::unavailable);
  EXPECT_EQ(keystone_.logins(), 1);
}

TEST_F(KeystoneIdentityTest, AnswersThatAreNoneAreNoVerdict) {
  keystone_.know("t", kMember);
  ASSERT_TRUE(identify("t"));
  for (const std::string& answer :
       {http_answer("500 Oh No", ""), http_answer("503 Busy", ""), http_answer("200 OK", "{"),
        http_answer("200 OK", "[]"), http_answer("200 OK", R"({"token": {}})"),
        http_answer("403 Forbidden", "{}"), http_answer("302 Found", "", "Location: /\r\n"),
        http_answer("429 Slow Down", ""), std::string("garbage\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")}) {
    keystone_.always(answer);
    const auto refused = identify("u");
    EXPECT_EQ(code_of(refused), Code::unavailable) << answer;
    // What is known already is known.
    EXPECT_TRUE(identify("t"));
  }
  keystone_.always("");
  keystone_.know("u", kMember);
  EXPECT_TRUE(identify("u"));
}

TEST_F(KeystoneIdentityTest, OneErrorOfKeystonesIsNotPassedOn) {
  keystone_.know("t", kMember);
  std::atomic<int> answers = 0;
  const ScriptedServer::Script good = keystone_.script();
  const ScriptedServer stumbling([&](ScriptedConnection& connection) {
    if (++answers == 1) {
      connection.read_head();
      connection.send(http_answer("500 Oh No", "", "Connection: close\r\n"));
      return;
    }
    good(connection);
  });
  open({}, {stumbling.url("")});
  EXPECT_TRUE(identify("t"));
}

TEST_F(KeystoneIdentityTest, WhereNobodyListensTheNextAddressIsAsked) {
  keystone_.know("t", kMember);
  std::string closed;
  {
    const ScriptedServer gone([](ScriptedConnection&) {});
    closed = gone.url("");
  }
  open({}, {closed, server_.url("")});
  EXPECT_TRUE(identify("t"));
  open({}, {closed});
  EXPECT_EQ(code_of(identify("t")), Code::unavailable);
}

TEST_F(KeystoneIdentityTest, AKeystoneThatSaysNothingIsWaitedForNoLongerThanConfigured) {
  const ScriptedServer silent([](ScriptedConnection& connection) { connection.wait_for_close(); });
  open({}, {silent.url("")}, std::chrono::milliseconds(200));
  EXPECT_EQ(code_of(identify("t")), Code::unavailable);
}

TEST_F(KeystoneIdentityTest, NothingThatIsToldHasASecretInIt) {
  keystone_.always(http_answer("500 Oh No", ""));
  const auto refused = identify("the-token-of-ada", "the-token-of-nova");
  ASSERT_FALSE(refused);
  for (const std::string& text : {refused.error().message, refused.error().where}) {
    EXPECT_EQ(text.find("the-"), std::string::npos) << text;
  }
}

TEST_F(KeystoneIdentityTest, ServicesAreFoundInTheCatalogueOfTheCallersOwnToken) {
  open();
  const ServiceQuery query{"image", "North", "public"};
  const auto found = [&] {
    return async::run_until_done(identity_->find_service(Secret(std::string("t")), query));
  };
  keystone_.always(http_answer("200 OK", R"({"catalog": [{"type": "image", "endpoints": [
      {"interface": "public", "region": "North", "url": "http://images.example:9292/"}]}]})"));
  EXPECT_EQ(found(), "http://images.example:9292");
  EXPECT_EQ(field_of(keystone_.last_question(), "X-Auth-Token"), "t");
  EXPECT_EQ(keystone_.logins(), 0) << "the server's own token is nobody's business here";
  keystone_.always(http_answer("200 OK", R"({"catalog": []})"));
  EXPECT_EQ(code_of(found()), Code::not_found);
  keystone_.always(http_answer("401 Unauthorized", "{}"));
  EXPECT_EQ(code_of(found()), Code::unauthenticated);
  for (const char* body : {"{}", "[", "7"}) {
    keystone_.always(http_answer("200 OK", body));
    EXPECT_EQ(code_of(found()), Code::unavailable) << body;
  }
}

TEST_F(KeystoneIdentityTest, TheChallengeSaysWhereKeystoneIs) {
  KeystoneIdentity::Options options;
  options.public_address = "https://keystone.example.org";
  open(options);
  EXPECT_EQ(identity_->challenge(), "Keystone uri=\"https://keystone.example.org\"");
}

}  // namespace
}  // namespace visor::auth
