// Who may do what, in which words: tenancy, authentication, dialects, paths.
#include "front/native/native_front_end.h"

#include <gtest/gtest.h>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

using NativeFrontEndTest = FrontEndFixture;

constexpr const char* kUnknownId = "6b1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";

TEST_F(NativeFrontEndTest, AnotherTenantsPrivateImageDoesNotExist) {
  const std::string id = register_as("ada", "secret", "private", "data");
  for (const char* who : {"bob", "root"}) {
    for (const char* method : {"GET", "HEAD", "DELETE"}) {
      const Answer answer = as(who, method, "/images/" + id);
      EXPECT_EQ(answer.status, 404) << who << " " << method;
    }
    TestRequest change("PUT", "/images/" + id);
    change.with("x-image-meta-name", "mine");
    EXPECT_EQ(as(who, change).status, 404);
    TestRequest upload("PUT", "/images/" + id);
    upload.data("bytes");
    EXPECT_EQ(as(who, upload).status, 404);
    EXPECT_FALSE(upload.body_was_read());
    EXPECT_EQ(as(who, "GET", "/images/" + id + "/metadata").status, 404);
    TestRequest link = registration("linked");
    link.with("x-image-meta-kernel", id);
    EXPECT_EQ(as(who, link).status, 404);
    EXPECT_EQ(names_in(as(who, "GET", "/images")), std::vector<std::string>{});
    EXPECT_EQ(names_in(as(who, "GET", "/images?_id=" + id)), std::vector<std::string>{});
    EXPECT_EQ(names_in(as(who, "GET", "/images?access=private")), std::vector<std::string>{});
  }
  EXPECT_EQ(as("bob", "GET", "/images/" + id).message().find("secret"), std::string::npos);
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "data");
}

TEST_F(NativeFrontEndTest, AnotherTenantsPublicImageIsReadOnly) {
  const std::string id = register_as("ada", "shared", "public", "data");
  for (const char* who : {"bob", "root"}) {
    EXPECT_EQ(as(who, "GET", "/images/" + id).body, "data");
    TestRequest change("PUT", "/images/" + id);
    change.with("x-image-meta-name", "mine");
    EXPECT_EQ(as(who, change).status, 403) << who;
    EXPECT_EQ(as(who, "DELETE", "/images/" + id).status, 403) << who;
  }
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-name"), "shared");
}

TEST_F(NativeFrontEndTest, AnAdministratorReachesEverybodyOnRequest) {
  const std::string id = register_as("ada", "secret", "private", "data");
  TestRequest list("GET", "/images");
  list.with("x-visor-scope", "all");
  EXPECT_EQ(names_in(as("root", list)), std::vector<std::string>{"secret"});
  TestRequest get("GET", "/images/" + id);
  get.with("x-visor-scope", "all");
  EXPECT_EQ(as("root", get).body, "data");
  TestRequest remove("DELETE", "/images/" + id);
  remove.with("x-visor-scope", "All");
  EXPECT_EQ(as("root", remove).status, 200);
}

TEST_F(NativeFrontEndTest, NobodyElseWidensTheirScope) {
  TestRequest list("GET", "/images");
  list.with("x-visor-scope", "all");
  EXPECT_EQ(as("ada", list).status, 403);
  TestRequest unknown("GET", "/images");
  unknown.with("x-visor-scope", "mine");
  EXPECT_EQ(as("root", unknown).status, 400);
}

TEST_F(NativeFrontEndTest, UnsignedRequestsAreRefusedEverywhereButAtTheHeartbeat) {
  for (const auto& [method, target] :
       {std::pair{"GET", "/images"}, std::pair{"GET", "/images/detail"},
        std::pair{"POST", "/images"}, std::pair{"GET", "/images/x"}, std::pair{"HEAD", "/images/x"},
        std::pair{"PUT", "/images/x"}, std::pair{"DELETE", "/images/x"},
        std::pair{"GET", "/images/x/metadata"}, std::pair{"GET", "/users"},
        std::pair{"POST", "/users"}, std::pair{"DELETE", "/users/ada"}}) {
    TestRequest request(method, target);
    request.body("bytes");
    EXPECT_EQ(send(request).status, 403) << method << " " << target;
    EXPECT_FALSE(request.body_was_read());
  }
  for (const char* target : {"/status", "/status/", "/healthz"}) {
    TestRequest request("GET", target);
    const Answer answer = send(request);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "OK");
    EXPECT_EQ(answer.header("content-type"), "text/plain");
  }
  TestRequest head("HEAD", "/status");
  EXPECT_EQ(send(head).response.unsent_length, 2u);
}

TEST_F(NativeFrontEndTest, AnonymousCallersReadPublicImagesWhereThatIsAllowed) {
  const std::string open = register_as("ada", "open", "public", "data");
  const std::string closed = register_as("ada", "closed", "private", "data");
  auth::AuthenticatorOptions authentication;
  authentication.anonymous = true;
  make_front_end(authentication, {});
  TestRequest list("GET", "/images");
  EXPECT_EQ(names_in(send(list)), std::vector<std::string>{"open"});
  TestRequest get("GET", "/images/" + open);
  EXPECT_EQ(send(get).body, "data");
  TestRequest hidden("GET", "/images/" + closed);
  EXPECT_EQ(send(hidden).status, 404);
  TestRequest post = registration("mine");
  post.data("bytes");
  EXPECT_EQ(send(post).status, 403);
  EXPECT_FALSE(post.body_was_read());
  TestRequest remove("DELETE", "/images/" + open);
  EXPECT_EQ(send(remove).status, 403);
  TestRequest users("GET", "/users");
  EXPECT_EQ(send(users).status, 403);
  TestRequest scope("GET", "/images");
  scope.with("x-visor-scope", "all");
  EXPECT_EQ(send(scope).status, 403);
}

TEST_F(NativeFrontEndTest, AWrongSignatureIsRefused) {
  TestRequest request("GET", "/images");
  sign_today(request, "ada");
  TestRequest other("GET", "/images/detail");
  for (const http::Field& field : request.head.fields) other.with(field.name, field.value);
  EXPECT_EQ(send(other).status, 403);
}

TEST_F(NativeFrontEndTest, ASmallBodyWithoutAHashIsReadAheadToCheckItsSignature) {
  const auto put_signed = [this](std::string id, std::string body) {
    TestRequest unsaid("PUT", "/images/" + id);
    unsaid.data(std::move(body));
    sign_without_hash(unsaid, "ada");
    return send(unsaid);
  };
  const std::string id = register_as("ada", "small");
  const Answer answer = put_signed(id, "small body");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "small body");
  const std::string large = register_as("ada", "large");
  EXPECT_EQ(put_signed(large, std::string(sign::kLargestHashedBody + 1, 'x')).status, 413);
}

TEST_F(NativeFrontEndTest, UnknownPathsAndMethodsAreAnsweredInWords) {
  const Answer unknown = as("ada", "GET", "/nothing");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, R"({"code":404,"message":"Invalid operation or path."})");
  EXPECT_EQ(as("ada", "GET", "/").status, 404);
  EXPECT_EQ(as("ada", "GET", "/images/a/b/c").status, 404);
  const Answer method = as("ada", "DELETE", "/images");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("Allow"), "GET, POST");
  EXPECT_EQ(as("ada", "POST", std::string("/images/") + kUnknownId).status, 405);
  EXPECT_EQ(as("ada", "POST", "/status").status, 405);
}

TEST_F(NativeFrontEndTest, ClassicClientsSignAndUpload) {
  TestRequest post = registration("ubuntu");
  sign_classic(post, "ada");
  // What the client's HTTP library adds behind the signature.
  post.with("Content-Type", "application/x-www-form-urlencoded");
  const Answer registered = send(post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  const std::string id = *registered.json().find("image")->text("_id");
  TestRequest put("PUT", "/images/" + id);
  put.with("Content-Type", "application/octet-stream").chunked("image bytes");
  ASSERT_EQ(classic("ada", put).status, 200);
  EXPECT_EQ(classic("ada", "GET", "/images/" + id).body, "image bytes");
  EXPECT_EQ(names_in(classic("ada", "GET", "//images?name=ubuntu")),
            std::vector<std::string>{"ubuntu"});
  EXPECT_EQ(classic("ada", "DELETE", "/images/" + id).status, 200);
}

TEST_F(NativeFrontEndTest, ClassicClientsGetOnlyTheStatusesTheyKnow) {
  const std::string id = register_as("ada", "digits", "public", "0123456789");
  EXPECT_EQ(classic("ada", "DELETE", "/images").status, 404);
  TestRequest range("GET", "/images/" + id);
  range.with("Range", "bytes=99-");
  EXPECT_EQ(classic("ada", range).status, 400);
  TestRequest condition("GET", "/images/" + id);
  condition.with("If-Match", "\"other\"");
  EXPECT_EQ(classic("ada", condition).status, 409);

  quota_.set({.bytes = 12, .images = std::nullopt});
  TestRequest classic_post = registration("large");
  classic_post.data("more than two");
  EXPECT_EQ(classic("ada", classic_post).status, 403);
  TestRequest todays_post = registration("large");
  todays_post.data("more than two");
  EXPECT_EQ(as("ada", todays_post).status, 413);
}

TEST_F(NativeFrontEndTest, AHeadErrorCarriesItsMessage) {
  const Answer answer = as("ada", "HEAD", std::string("/images/") + kUnknownId);
  EXPECT_EQ(answer.status, 404);
  EXPECT_TRUE(answer.body.empty());
  EXPECT_NE(answer.header("x-error-message").find(kUnknownId), std::string::npos);
}

TEST_F(NativeFrontEndTest, UrisNameThePublicAddress) {
  const std::string id = register_as("ada", "debian");
  const auto uri = [&] { return as("ada", "HEAD", "/images/" + id).header("x-image-meta-uri"); };
  EXPECT_EQ(uri(), "http://127.0.0.1:4568/images/" + id);
  make_front_end({}, {.public_address = "images.example.org:4568", .ready = nullptr});
  EXPECT_EQ(uri(), "http://images.example.org:4568/images/" + id);
  make_front_end({}, {.public_address = "https://images.example.org", .ready = nullptr});
  EXPECT_EQ(uri(), "https://images.example.org/images/" + id);
}

TEST_F(NativeFrontEndTest, HealthFollowsTheServersReadiness) {
  bool ready = false;
  make_front_end({}, {.public_address = "", .ready = [&ready] { return ready; }});
  TestRequest early("GET", "/healthz");
  EXPECT_EQ(send(early).status, 503);
  ready = true;
  TestRequest later("GET", "/healthz");
  EXPECT_EQ(send(later).status, 200);
}

TEST_F(NativeFrontEndTest, WhatNeverBecameARequestIsRefusedAsADocument) {
  const http::RequestHead unknown;
  const http::Response response = front_->refuse(431, "the head is too large", unknown);
  EXPECT_EQ(response.status, 431);
  EXPECT_EQ(response.text, R"({"code":431,"message":"the head is too large"})");

  const TestRequest head("HEAD", "/images", {{"Accept", "application/xml"}});
  const http::Response headless = front_->refuse(414, "the target is too long", head.head);
  EXPECT_EQ(headless.status, 414);
  EXPECT_EQ(headless.text, "");
  EXPECT_EQ(header_of(headless, "x-error-message"), "the target is too long");
  EXPECT_EQ(header_of(headless, "content-type"), "application/xml");
}

TEST_F(NativeFrontEndTest, EvenWhatNeverBecameARequestOfAClassicClientGetsAStatusItKnows) {
  const TestRequest request("GET", "/images", {{"Authorization", "VISOR ada:signature"}});
  for (const auto& [status, classic] :
       {std::pair{400, 400}, std::pair{408, 503}, std::pair{413, 403}, std::pair{414, 400},
        std::pair{417, 400}, std::pair{431, 400}, std::pair{500, 500}, std::pair{501, 404},
        std::pair{503, 503}, std::pair{505, 400}}) {
    EXPECT_EQ(front_->refuse(status, "no", request.head).status, classic) << status;
  }
  const TestRequest coded("POST", "/images",
                          {{"User-Agent", "Ruby"}, {"Transfer-Encoding", "gzip"}});
  EXPECT_EQ(front_->refuse(501, "no", coded.head).status, 400);
}

TEST_F(NativeFrontEndTest, ChunksThatHoldNothingAreNoBody) {
  TestRequest post = registration("ubuntu");
  sign_classic(post, "ada");
  post.with("Content-Type", "application/x-www-form-urlencoded").chunked("");
  const Answer registered = send(post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  const std::string id = *registered.json().find("image")->text("_id");
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-status"), "locked");

  TestRequest untyped = registration("debian");
  untyped.chunked("");
  EXPECT_EQ(as("ada", untyped).status, 200);
  TestRequest put("PUT", "/images/" + id);
  put.with("Content-Type", "text/plain").chunked("");
  EXPECT_EQ(as("ada", put).status, 400);

  // Data under a wrong name is still refused, and data under the right one is not looked into
  // before its caller is known.
  TestRequest form = registration("fedora");
  form.with("Content-Type", "application/x-www-form-urlencoded").chunked("a=b");
  EXPECT_EQ(classic("ada", form).status, 400);
  TestRequest unsigned_data = registration("fedora");
  unsigned_data.with("Content-Type", "application/octet-stream").chunked("data");
  EXPECT_EQ(send(unsigned_data).status, 403);
  EXPECT_FALSE(unsigned_data.body_was_read());
  // Nobody is invited to send what will be refused.
  TestRequest waiting = registration("fedora");
  waiting.chunked("");
  waiting.head.expects_continue = true;
  EXPECT_EQ(as("ada", waiting).status, 400);
  EXPECT_FALSE(waiting.body_was_read());
}

TEST_F(NativeFrontEndTest, ADocumentInChunksIsReadFromItsFirstByte) {
  const std::string user = R"({"access_key":"carol","email":"carol@example.org"})";
  TestRequest post("POST", "/users");
  post.chunked(user);
  EXPECT_EQ(as("root", post).status, 200);
  TestRequest unhashed("POST", "/users");
  unhashed.chunked(R"({"access_key":"dave","email":"dave@example.org"})");
  EXPECT_EQ(send(sign_without_hash(unhashed, "root")).status, 200);
}

TEST_F(NativeFrontEndTest, TheCallerIsNamedForTheAccessLog) {
  TestRequest request("GET", "/images");
  sign_today(request, "ada");
  http::Request message = request.request();
  async::run_until_done(front_->handle(message));
  EXPECT_EQ(message.user, "ada");
}

}  // namespace
}  // namespace visor::front::native
