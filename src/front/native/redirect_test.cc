// Clients that are sent to where the data lies.
#include <gtest/gtest.h>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

class Redirects : public FrontEndFixture {
 protected:
  Redirects() {
    auth::AuthenticatorOptions authentication;
    authentication.anonymous = true;
    make_front_end(std::move(authentication), {});
    id_ = register_as("ada", "debian", "public", "some bytes");
    store_->presigns = true;
  }
  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

  /// As somebody who doesn't sign.
  Answer get(const Headers& headers = {}) {
    TestRequest request("GET", "/images/" + id_);
    request.with("Host", "127.0.0.1:4568");
    for (const auto& [name, value] : headers) request.with(name, value);
    return send(request);
  }
  std::string reads() {
    return as("ada", "HEAD", "/images/" + id_).header("x-image-meta-access_count");
  }

  std::string id_;
};

TEST_F(Redirects, GoToWhoSignedWithVersion4AndToWhoDidNotSign) {
  const std::string there = "https://store.example.org/" + store_->keys().at(0) + "?seconds=60";
  const Answer signed_answer = as("bob", "GET", "/images/" + id_);
  EXPECT_EQ(signed_answer.status, 307);
  EXPECT_EQ(signed_answer.header("location"), there);
  EXPECT_EQ(signed_answer.header("cache-control"), "no-store");
  EXPECT_EQ(signed_answer.header("x-image-meta-_id"), id_);
  EXPECT_EQ(signed_answer.header("x-image-meta-size"), "10");
  EXPECT_EQ(signed_answer.header("etag"), "");
  EXPECT_EQ(signed_answer.body, "");
  EXPECT_EQ(get().header("location"), there);
  EXPECT_EQ(reads(), "2");
}

TEST_F(Redirects, NeverGoToClientsThatKnowOneServer) {
  const Answer classic_answer = classic("bob", "GET", "/images/" + id_);
  EXPECT_EQ(classic_answer.status, 200);
  EXPECT_EQ(classic_answer.body, "some bytes");
  EXPECT_EQ(get({{"User-Agent", "Ruby"}}).body, "some bytes");
  EXPECT_EQ(get({{"x-visor-redirect", "none"}}).body, "some bytes");
  EXPECT_EQ(reads(), "3");
}

TEST_F(Redirects, LeaveConditionsAndWrongRangesToThisServer) {
  const std::string tag = as("bob", "HEAD", "/images/" + id_).header("etag");
  EXPECT_EQ(get({{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(get({{"If-Match", tag}}).body, "some bytes");
  EXPECT_EQ(get({{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(get({{"Range", "bytes=5-"}, {"If-Range", tag}}).body, "bytes");
  EXPECT_EQ(get({{"Range", "bytes=10-"}}).status, 416);
  EXPECT_EQ(get({{"Range", "bytes=5-"}}).status, 307);
}

TEST_F(Redirects, AreNoAnswerToHead) {
  const Answer head = as("bob", "HEAD", "/images/" + id_);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.response.unsent_length, 10u);
  EXPECT_EQ(as("bob", "GET", "/images/" + id_ + "/metadata").status, 200);
}

TEST_F(Redirects, AreNotToldToWhoMayNotSeeTheImage) {
  const std::string secret = register_as("ada", "secret", "private", "some bytes");
  EXPECT_EQ(as("bob", "GET", "/images/" + secret).status, 404);
  EXPECT_EQ(as("ada", "GET", "/images/" + secret).status, 307);
}

}  // namespace
}  // namespace visor::front::native
