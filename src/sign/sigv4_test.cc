#include "sign/sigv4.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/digest.h"
#include "sign/sigv4_signer.h"
#include "sign/testdata/signed_request.h"

namespace visor::sign {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Secret kSecret{std::string(kExampleSecret)};
constexpr const char* kAmazonSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

Time at(const char* stamp) { return *parse_basic_time(stamp); }
Time signing_time() { return at("20260314T150926Z"); }

// Everything a server does with a request whose body it has at hand.
Result<PayloadCheck> check(SignedRequest& request, const SigV4Rules& rules, Time now,
                           const Secret& secret = kSecret, bool secure = false) {
  const RequestHead head = request.head(secure);
  auto claim = read_sigv4(head, rules, now);
  if (!claim) return pass(claim);
  if (claim->access_key != kExampleKey) return refuse("test: unknown key");
  BodyFacts facts = request.facts();
  if (!request.body.empty()) facts.sha256 = digest_hex(DigestAlgorithm::sha256, request.body);
  return verify_sigv4(head, rules, *claim, facts, secret);
}

SignedRequest signed_get() { return botocore_requests().front(); }

TEST(SigV4, AcceptsWhatBotocoreSigns) {
  for (SignedRequest& request : botocore_requests()) {
    auto result = check(request, {}, signing_time());
    EXPECT_TRUE(result) << request.name << ": " << result.error().message << " "
                        << result.error().where;
  }
}

TEST(SigV4, RefusesWhatBotocoreSignedWithAnotherSecret) {
  for (SignedRequest& request : botocore_requests()) {
    auto result = check(request, {}, signing_time(), Secret("another"));
    ASSERT_FALSE(result) << request.name;
    EXPECT_EQ(result.error().code, Code::unauthenticated);
  }
}

TEST(SigV4, MakesTheSignaturesOfAmazonsTestSuite) {
  const std::vector<Header> headers{{"Host", "example.amazonaws.com"},
                                    {"X-Amz-Date", "20150830T123600Z"}};
  const CredentialScope scope{"20150830", "us-east-1", "service"};
  struct Case {
    std::string_view method, query, signature;
  };
  const std::vector<Case> cases{
      {"GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"GET", "Param2=value2&Param1=value1",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
  };
  for (const Case& one : cases) {
    const RequestHead head{one.method, "/", one.query, headers, false};
    const auto request = canonical_request(head, PathForm::normalised, *canonical_query(one.query),
                                           {"host", "x-amz-date"}, kEmptySha256);
    ASSERT_TRUE(request);
    EXPECT_EQ(sigv4_signature(signing_key(kSecret, scope),
                              string_to_sign("20150830T123600Z", scope, *request)),
              one.signature);
  }
}

TEST(SigV4, DerivesTheSigningKeyOfAmazonsExample) {
  const Secret key = signing_key(kSecret, {"20150830", "us-east-1", "iam"});
  std::string hex;
  for (const char c : key.reveal()) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  EXPECT_EQ(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, VerifiesTheExamplesOfTheS3Reference) {
  SigV4Rules rules;
  rules.service = "s3";
  rules.path_form = PathForm::as_sent;
  const Secret secret{std::string(kAmazonSecret)};
  SignedRequest get{
      "get",
      "GET",
      "/test.txt",
      "",
      "",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Range", "bytes=0-9"},
       {"x-amz-content-sha256", std::string(kEmptySha256)},
       {"x-amz-date", "20130524T000000Z"},
       {"Authorization",
        "AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}}};
  SignedRequest presigned{
      "presigned",
      "GET",
      "/test.txt",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-"
      "1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders="
      "host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
      "",
      {{"Host", "examplebucket.s3.amazonaws.com"}}};
  for (SignedRequest* request : {&get, &presigned}) {
    const RequestHead head = request->head();
    auto claim = read_sigv4(head, rules, at("20130524T001000Z"));
    ASSERT_TRUE(claim) << request->name << claim.error().message;
    EXPECT_EQ(claim->access_key, "AKIAIOSFODNN7EXAMPLE");
    EXPECT_TRUE(verify_sigv4(head, rules, *claim, {}, secret)) << request->name;
  }
}

TEST(SigV4, RefusesARequestOutsideTheTimeWindowAndTellsTheServersTime) {
  for (const auto shift : {seconds(-901), seconds(901), seconds(86400 * 400)}) {
    SignedRequest request = signed_get();
    auto result = check(request, {}, signing_time() + shift);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::unauthenticated);
    EXPECT_NE(result.error().message.find(format_iso_time(signing_time() + shift)),
              std::string::npos);
  }
  for (const auto shift : {seconds(-900), seconds(0), seconds(900)}) {
    SignedRequest request = signed_get();
    EXPECT_TRUE(check(request, {}, signing_time() + shift));
  }
}

SignedRequest presigned_request(seconds expires) {
  SignedRequest request{"presigned", "GET", "/images/1", "name=x", "", {{"Host", "h"}}};
  auto query = presign(request.head(), {kExampleKey, kSecret}, signing_time(), expires);
  EXPECT_TRUE(query);
  request.query = query.value_or("");
  return request;
}

TEST(SigV4, TakesAPresignedUrlUntilItExpires) {
  SignedRequest request = presigned_request(minutes(60));
  EXPECT_TRUE(check(request, {}, signing_time()));
  EXPECT_TRUE(check(request, {}, signing_time() - minutes(14)));
  EXPECT_TRUE(check(request, {}, signing_time() + seconds(3599)));
  auto expired = check(request, {}, signing_time() + seconds(3600));
  ASSERT_FALSE(expired);
  EXPECT_NE(expired.error().message.find("expired"), std::string::npos);
  EXPECT_FALSE(check(request, {}, signing_time() - minutes(16)));
}

TEST(SigV4, RefusesAPresignedUrlThatIsGoodForLongerThanTheLimit) {
  SignedRequest week = presigned_request(hours(168));
  EXPECT_FALSE(check(week, {}, signing_time()));
  SigV4Rules rules;
  rules.presigned_limit = hours(10000);
  EXPECT_TRUE(check(week, rules, signing_time()));
  const RequestHead head = week.head();
  EXPECT_FALSE(presign(head, {kExampleKey, kSecret}, signing_time(), hours(168) + seconds(1)));
  EXPECT_FALSE(presign(head, {kExampleKey, kSecret}, signing_time(), seconds(0)));
  for (const std::string_view number :
       {"0", "604801", "-1", "", "abc", "99999999999999999999999"}) {
    SignedRequest request = presigned_request(minutes(1));
    const auto place = request.query.find("X-Amz-Expires=60");
    ASSERT_NE(place, std::string::npos);
    request.query.replace(place, 16, "X-Amz-Expires=" + std::string(number));
    EXPECT_FALSE(check(request, rules, signing_time())) << number;
  }
}

TEST(SigV4, RefusesAnUnsignedHeaderThatTheServiceWouldActOn) {
  for (const char* name : {"x-image-meta-owner", "X-Image-Meta-Access", "x-amz-meta-a",
                           "x-visor-scope", "x_image_meta_access", "X_Visor-Scope"}) {
    for (SignedRequest request : botocore_requests()) {
      request.headers.emplace_back(name, "all");
      EXPECT_FALSE(check(request, {}, signing_time())) << request.name << " + " << name;
    }
  }
  SignedRequest request = signed_get();
  request.headers.emplace_back("User-Agent", "anything");
  EXPECT_TRUE(check(request, {}, signing_time()));
}

TEST(SigV4, RefusesAnotherServiceOrRegion) {
  SigV4Rules other_service;
  other_service.service = "s3";
  SigV4Rules other_region;
  other_region.region = "us-east-1";
  SigV4Rules same_region;
  same_region.region = "eu-central-1";
  SignedRequest request = signed_get();
  EXPECT_FALSE(check(request, other_service, signing_time()));
  EXPECT_FALSE(check(request, other_region, signing_time()));
  EXPECT_TRUE(check(request, same_region, signing_time()));
}

SignedRequest upload(std::string_view payload) {
  SignedRequest request{"upload", "PUT", "/images/1", "", "data", {{"Host", "h"}}};
  auto headers = sign_sigv4(request.head(), {kExampleKey, kSecret}, signing_time(), payload);
  EXPECT_TRUE(headers);
  for (auto& header : *headers) request.headers.push_back(header);
  return request;
}

TEST(SigV4, LetsTheBodyGoUnsignedOnlyWhereTheRulesAllowIt) {
  SignedRequest request = upload(kUnsignedPayload);
  EXPECT_FALSE(check(request, {}, signing_time()));
  EXPECT_TRUE(check(request, {}, signing_time(), kSecret, true));
  SigV4Rules rules;
  rules.unsigned_payload = UnsignedPayload::allowed;
  EXPECT_TRUE(check(request, rules, signing_time()));
  rules.unsigned_payload = UnsignedPayload::refused;
  EXPECT_FALSE(check(request, rules, signing_time(), kSecret, true));
}

TEST(SigV4, LeavesTheHashOfAnUnreadBodyToThePayloadCheck) {
  const std::string hash = digest_hex(DigestAlgorithm::sha256, "data");
  SignedRequest request = upload(hash);
  const RequestHead head = request.head();
  auto claim = read_sigv4(head, {}, signing_time());
  ASSERT_TRUE(claim);
  auto left = verify_sigv4(head, {}, *claim, {true, 4, std::nullopt}, kSecret);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->sha256, hash);
  EXPECT_FALSE(verify_sigv4(head, {}, *claim, {false, 0, std::nullopt}, kSecret));
  EXPECT_FALSE(verify_sigv4(head, {}, *claim, {true, 4, std::string(kEmptySha256)}, kSecret));
}

TEST(SigV4, AsksForTheBodysHashWhereTheRequestDoesNotTellIt) {
  auto requests = botocore_requests();
  auto request = std::find_if(requests.begin(), requests.end(), [](const SignedRequest& one) {
    return one.name == "no payload header, small body";
  });
  ASSERT_NE(request, requests.end());
  const RequestHead head = request->head();
  EXPECT_TRUE(needs_body_hash(head));
  auto claim = read_sigv4(head, {}, signing_time());
  ASSERT_TRUE(claim);
  auto unread = verify_sigv4(head, {}, *claim, {true, 1 << 20, std::nullopt}, kSecret);
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().code, Code::too_large);
  EXPECT_NE(unread.error().message.find("x-amz-content-sha256"), std::string::npos);
  SignedRequest with_hash = signed_get();
  EXPECT_FALSE(needs_body_hash(with_hash.head()));
}

TEST(SigV4, TellsWhatABrokenAuthorizationLacks) {
  const std::string scope = "Credential=AKIDEXAMPLE/20260314/eu-central-1/visor/aws4_request";
  const std::string names = "SignedHeaders=host;x-amz-content-sha256;x-amz-date";
  const std::string signature = "Signature=" + std::string(64, 'a');
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "has no '='"},
      {scope, "SignedHeaders are missing"},
      {names + "," + signature, "Credential is missing"},
      {scope + "," + names, "Signature must be"},
      {scope + "," + names + ",Signature=abc", "Signature must be"},
      {scope + "," + names + "," + signature + "," + signature, "twice"},
      {scope + "," + names + "," + signature + ",Extra=1", "nothing else"},
      {"Credential=AKIDEXAMPLE/visor," + names + "," + signature, "Credential must be"},
      {scope + ",SignedHeaders=x-amz-content-sha256;x-amz-date," + signature, "host"},
      {scope + ",SignedHeaders=host," + signature, "x-amz-content-sha256 must be signed"},
      {scope + ",SignedHeaders=x-amz-date;host;x-amz-content-sha256," + signature, "sorted"},
      {scope + ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," + signature,
       "range was not sent"},
      {scope + ",SignedHeaders=Host;x-amz-date," + signature, "lower case"},
  };
  for (const auto& [rest, reason] : cases) {
    SignedRequest request = signed_get();
    request.header("Authorization") = "AWS4-HMAC-SHA256 " + rest;
    auto result = check(request, {}, signing_time());
    ASSERT_FALSE(result) << rest;
    EXPECT_EQ(result.error().code, Code::unauthenticated);
    EXPECT_NE(result.error().message.find(reason), std::string::npos)
        << rest << " -> " << result.error().message;
  }
}

TEST(SigV4, RefusesAPathThatItsSignatureWouldFold) {
  for (const char* path :
       {"/users/../images", "/./images", "/images/x/..", "/users/joe/../../images"}) {
    SignedRequest request = signed_get();
    request.path = path;
    EXPECT_FALSE(check(request, {}, signing_time())) << path;
  }
}

TEST(SigV4, RefusesARequestThatIsSignedTwice) {
  SignedRequest request = presigned_request(minutes(1));
  SignedRequest other = signed_get();
  request.headers.emplace_back("Authorization", other.header("Authorization"));
  EXPECT_FALSE(check(request, {}, signing_time()));
}

TEST(SigV4, SignsOnTheClientsSideWhatItAccepts) {
  SignedRequest request{"client",
                        "POST",
                        "/users/a%20b",
                        "sort=b&a=%20",
                        "",
                        {{"Host", "h:1"},
                         {"x-image-meta-name", " two  words "},
                         {"x-image-meta-name", "again"},
                         {"User-Agent", "visor"}}};
  auto headers = sign_sigv4(request.head(), {kExampleKey, kSecret}, signing_time(), kEmptySha256);
  ASSERT_TRUE(headers);
  for (auto& header : *headers) request.headers.push_back(header);
  request.header("User-Agent") = "changed by a proxy";
  EXPECT_TRUE(check(request, {}, signing_time()));
  EXPECT_FALSE(sign_sigv4(request.head(), {kExampleKey, kSecret}, signing_time(), kEmptySha256));
}

}  // namespace
}  // namespace visor::sign
