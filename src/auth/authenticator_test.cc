#include "auth/authenticator.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "async/worker_pool.h"
#include "base/digest.h"
#include "catalogue/memory/memory_catalogue.h"
#include "sign/sigv4_signer.h"
#include "sign/testdata/signed_request.h"
#include "sign/visor_scheme.h"

namespace visor::auth {
namespace {

using sign::SignedRequest;

constexpr const char* kJoesSecret = "joes-secret-key";

class AuthenticatorTest : public testing::Test {
 protected:
  template <class T>
  static T run(async::Task<T> task) {
    return async::run_until_done(std::move(task));
  }
  void SetUp() override {
    Account root;
    root.access_key = "root";
    root.email = "root@example.org";
    root.administrator = true;
    ASSERT_TRUE(run(accounts_.create(root, Secret("roots-secret-key"))));
    Account joe;
    joe.access_key = "joe";
    joe.email = "joe@example.org";
    ASSERT_TRUE(run(accounts_.create(joe, Secret(kJoesSecret))));
  }

  Result<Identity> identify(SignedRequest request, const AuthenticatorOptions& options = {}) {
    Authenticator authenticator(accounts_, options, clock_);
    return run(authenticator.identify(request.head(), request.facts()));
  }
  SignedRequest visor_request(const std::string& key, const std::string& secret,
                              const std::string& body = "") {
    SignedRequest request{"", "POST", "/images", "", body, {}};
    request.headers.emplace_back("Date", format_http_time(clock_.now()));
    auto value = sign::sign_visor(request.head(), !body.empty(), key, Secret(secret));
    request.headers.emplace_back("Authorization", value.value());
    return request;
  }
  SignedRequest sigv4_request(const std::string& key, const std::string& secret,
                              const std::string& body = "") {
    SignedRequest request{"", "POST", "/images", "a=b", body, {{"Host", "h"}}};
    const std::string hash = digest_hex(DigestAlgorithm::sha256, body);
    auto headers = sign::sign_sigv4(request.head(), {key, Secret(secret)}, clock_.now(), hash);
    for (auto& header : headers.value()) request.headers.push_back(header);
    return request;
  }
  SignedRequest presigned_request(const std::string& key, const std::string& secret) {
    SignedRequest request{"", "GET", "/images/1", "", "", {{"Host", "h"}}};
    request.query =
        sign::presign(request.head(), {key, Secret(secret)}, clock_.now(), std::chrono::hours(1))
            .value();
    return request;
  }

  ManualClock clock_{*parse_basic_time("20260314T150926Z")};
  catalogue::MemoryCatalogue engine_;
  async::WorkerPool pool_{"accounts", 2, 1000};
  catalogue::Client catalogue_{engine_, pool_};
  Accounts accounts_{catalogue_, SecretBox::generate(), clock_};
};

TEST_F(AuthenticatorTest, FindsWhoSignedWithEachScheme) {
  auto visor = identify(visor_request("joe", kJoesSecret));
  ASSERT_TRUE(visor) << visor.error().message;
  EXPECT_EQ(visor->principal.account, "joe");
  EXPECT_FALSE(visor->principal.administrator);
  EXPECT_EQ(visor->scheme, Scheme::visor);
  auto header = identify(sigv4_request("root", "roots-secret-key", "data"));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_TRUE(header->principal.administrator);
  EXPECT_EQ(header->scheme, Scheme::sigv4_header);
  EXPECT_EQ(header->payload.sha256, digest_hex(DigestAlgorithm::sha256, "data"));
  auto url = identify(presigned_request("joe", kJoesSecret));
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->scheme, Scheme::sigv4_presigned);
  EXPECT_TRUE(url->payload.nothing());
}

TEST_F(AuthenticatorTest, GivesOneAnswerToUnknownKeyDisabledAccountAndWrongSignature) {
  AccountChange disable;
  disable.enabled = false;
  Account jim;
  jim.access_key = "jim";
  jim.email = "jim@example.org";
  ASSERT_TRUE(run(accounts_.create(jim, Secret("jims-secret-key"))));
  ASSERT_TRUE(run(accounts_.update("jim", disable)));
  std::vector<SignedRequest> requests;
  for (const auto& [key, secret] : std::vector<std::pair<std::string, std::string>>{
           {"nobody", kJoesSecret}, {"jim", "jims-secret-key"}, {"joe", "wrong"}, {"j!", "x"}}) {
    requests.push_back(visor_request(key, secret));
    requests.push_back(sigv4_request(key, secret));
    requests.push_back(presigned_request(key, secret));
  }
  std::string message;
  for (const SignedRequest& request : requests) {
    auto identity = identify(request);
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().code, Code::unauthenticated);
    if (message.empty()) message = identity.error().message;
    EXPECT_EQ(identity.error().message, message);
  }
}

TEST_F(AuthenticatorTest, ForgetsAnAccountAsSoonAsItIsRemovedOrRenewed) {
  Authenticator authenticator(accounts_, {}, clock_);
  SignedRequest request = presigned_request("joe", kJoesSecret);
  EXPECT_TRUE(run(authenticator.identify(request.head(), request.facts())));
  AccountChange renew;
  renew.renew_secret = true;
  ASSERT_TRUE(run(accounts_.update("joe", renew)));
  EXPECT_FALSE(run(authenticator.identify(request.head(), request.facts())));
}

TEST_F(AuthenticatorTest, TellsTheServersTimeToAClientWhoseClockIsWrong) {
  for (SignedRequest request :
       {visor_request("joe", kJoesSecret), sigv4_request("joe", kJoesSecret)}) {
    clock_.advance(std::chrono::minutes(16));
    auto identity = identify(request);
    ASSERT_FALSE(identity);
    EXPECT_NE(identity.error().message.find(format_iso_time(clock_.now())), std::string::npos);
    clock_.advance(-std::chrono::minutes(16));
  }
}

TEST_F(AuthenticatorTest, LetsNobodyInOnlyIfAllowed) {
  SignedRequest request{"", "GET", "/images", "", "", {}};
  auto refused = identify(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unauthenticated);
  EXPECT_NE(refused.error().message.find("must be signed"), std::string::npos);
  AuthenticatorOptions open;
  open.anonymous = true;
  auto identity = identify(request, open);
  ASSERT_TRUE(identity);
  EXPECT_TRUE(identity->principal.anonymous());
  EXPECT_FALSE(identify(visor_request("joe", "wrong"), open));
  request.headers.emplace_back("Authorization", "Basic am9lOmpvZQ==");
  EXPECT_FALSE(identify(request, open));
  request.headers.back().second = "";
  EXPECT_FALSE(identify(request, open));
}

TEST_F(AuthenticatorTest, SaysSoWhenTheVisorSchemeIsSwitchedOff) {
  AuthenticatorOptions options;
  options.visor_scheme = false;
  auto identity = identify(visor_request("joe", kJoesSecret), options);
  ASSERT_FALSE(identity);
  EXPECT_NE(identity.error().message.find("switched off"), std::string::npos);
  EXPECT_TRUE(identify(sigv4_request("joe", kJoesSecret), options));
}

TEST_F(AuthenticatorTest, HandsContentMd5OnForTheBody) {
  SignedRequest request{"", "POST", "/images", "", "data", {}};
  request.headers = {{"Date", format_http_time(clock_.now())},
                     {"Content-MD5", "jXd/OF09/siBXSD3SWAm3A=="}};
  auto value = sign::sign_visor(request.head(), true, "joe", Secret(kJoesSecret));
  request.headers.emplace_back("Authorization", value.value());
  auto identity = identify(request);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->payload.content_md5, "jXd/OF09/siBXSD3SWAm3A==");
  request.header("Content-MD5") = "no digest";
  EXPECT_EQ(identify(request).error().code, Code::invalid);
}

TEST_F(AuthenticatorTest, RefusesContentMd5OfABodyThatWasTakenAway) {
  SignedRequest request{"", "POST", "/images", "", "", {}};
  request.headers = {{"Date", format_http_time(clock_.now())},
                     {"Content-MD5", "jXd/OF09/siBXSD3SWAm3A=="}};
  auto value = sign::sign_visor(request.head(), false, "joe", Secret(kJoesSecret));
  request.headers.emplace_back("Authorization", value.value());
  auto identity = identify(request);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Code::invalid);

  request.headers = {{"Date", format_http_time(clock_.now())},
                     {"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}};
  value = sign::sign_visor(request.head(), false, "joe", Secret(kJoesSecret));
  request.headers.emplace_back("Authorization", value.value());
  EXPECT_TRUE(identify(request)) << "nothing has an MD5 as well";
}

TEST_F(AuthenticatorTest, KnowsOnTheSpotWhoseCredentialsAreInMemory) {
  Authenticator authenticator(accounts_, {}, clock_);
  SignedRequest request = presigned_request("joe", kJoesSecret);
  EXPECT_FALSE(authenticator.identify_at_once(request.head(), request.facts()));
  ASSERT_TRUE(run(authenticator.identify(request.head(), request.facts())));
  for (SignedRequest known :
       {request, sigv4_request("joe", kJoesSecret, "x"), visor_request("joe", kJoesSecret)}) {
    auto identity = authenticator.identify_at_once(known.head(), known.facts());
    ASSERT_TRUE(identity && *identity);
    EXPECT_EQ((*identity)->principal.account, "joe");
  }
  SignedRequest forged = presigned_request("joe", "another-secret");
  auto refused = authenticator.identify_at_once(forged.head(), forged.facts());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error().code, Code::unauthenticated);
}

TEST_F(AuthenticatorTest, ChecksThePresignedTimeOfEachRequestHoweverOftenItWasGood) {
  Authenticator authenticator(accounts_, {}, clock_);
  SignedRequest request = presigned_request("joe", kJoesSecret);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(run(authenticator.identify(request.head(), request.facts())));
  }
  clock_.advance(std::chrono::hours(1));
  EXPECT_FALSE(run(authenticator.identify(request.head(), request.facts())));
  auto at_once = authenticator.identify_at_once(request.head(), request.facts());
  ASSERT_TRUE(at_once);
  EXPECT_NE(at_once->error().message.find("expired"), std::string::npos);
}

TEST_F(AuthenticatorTest, ForgetsTheKeysOfASecretThatWasRenewed) {
  Authenticator authenticator(accounts_, {}, clock_);
  SignedRequest old = presigned_request("joe", kJoesSecret);
  ASSERT_TRUE(run(authenticator.identify(old.head(), old.facts())));
  AccountChange renew;
  renew.secret = Secret("joes-other-secret");
  ASSERT_TRUE(run(accounts_.update("joe", renew)));
  EXPECT_FALSE(run(authenticator.identify(old.head(), old.facts())));
  SignedRequest fresh = presigned_request("joe", "joes-other-secret");
  EXPECT_TRUE(run(authenticator.identify(fresh.head(), fresh.facts())));
  AccountChange disable;
  disable.enabled = false;
  ASSERT_TRUE(run(accounts_.update("joe", disable)));
  EXPECT_FALSE(run(authenticator.identify(fresh.head(), fresh.facts())));
  ASSERT_TRUE(run(accounts_.remove("joe")));
  EXPECT_FALSE(run(authenticator.identify(fresh.head(), fresh.facts())));
}

TEST_F(AuthenticatorTest, RefusesARepeatedChangeIfToldTo) {
  AuthenticatorOptions options;
  options.refuse_replays = true;
  options.replay_limit = 2;
  Authenticator strict(accounts_, options, clock_);
  const auto send = [&](SignedRequest request) {
    return run(strict.identify(request.head(), request.facts()));
  };
  SignedRequest post = sigv4_request("joe", kJoesSecret);
  EXPECT_TRUE(send(post));
  auto again = send(post);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::unauthenticated);
  SignedRequest get = presigned_request("joe", kJoesSecret);
  EXPECT_TRUE(send(get));
  EXPECT_TRUE(send(get));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(send(sigv4_request("joe", kJoesSecret)));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(send(sigv4_request("joe", kJoesSecret)).error().code, Code::rate_limited);
  clock_.advance(std::chrono::minutes(31));
  EXPECT_TRUE(send(sigv4_request("joe", kJoesSecret)));
  clock_.advance(-std::chrono::minutes(31));
  EXPECT_EQ(send(post).error().code, Code::unauthenticated) << "the clock went back";
  clock_.advance(std::chrono::minutes(31));
  Authenticator lenient(accounts_, {}, clock_);
  SignedRequest other = sigv4_request("joe", kJoesSecret, "x");
  EXPECT_TRUE(run(lenient.identify(other.head(), other.facts())));
  EXPECT_TRUE(run(lenient.identify(other.head(), other.facts())));
}

TEST_F(AuthenticatorTest, AcceptsABodylessRequestOfThe2012ClientWithItsLateContentType) {
  SignedRequest request = visor_request("joe", kJoesSecret);
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_TRUE(identify(request));
  request.body = "x";
  EXPECT_FALSE(identify(request));
}

}  // namespace
}  // namespace visor::auth
