// Answers from memory are as good as any: true, and only for who may see them.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

class HotReads : public FrontEndFixture {
 protected:
  HotReads() {
    auth::AuthenticatorOptions authentication;
    authentication.anonymous = true;
    make_front_end(authentication, {});
  }

  static std::string metadata(const std::string& id) { return "/images/" + id + "/metadata"; }

  int anonymous(std::string_view method, const std::string& target) {
    TestRequest request(method, target);
    return send(request).status;
  }

  /// Asks until the answer comes from memory, if it can.
  void warm(std::string_view access_key, const std::string& id) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(as(access_key, "GET", metadata(id)).status, 200);
      EXPECT_EQ(as(access_key, "HEAD", "/images/" + id).status, 200);
    }
  }

  void expect_statuses(const std::string& id, int ada, int bob, int nobody) {
    for (const auto& [method, target] :
         {std::pair("GET", metadata(id)), std::pair("HEAD", "/images/" + id)}) {
      EXPECT_EQ(as("ada", method, target).status, ada) << method;
      EXPECT_EQ(as("bob", method, target).status, bob) << method;
      EXPECT_EQ(as("root", method, target).status, bob) << method << " without scope";
      EXPECT_EQ(anonymous(method, target), nobody) << method;
    }
  }

  void change(const std::string& id, std::string_view header, std::string_view value) {
    TestRequest request("PUT", "/images/" + id, {{header, value}});
    EXPECT_EQ(as("ada", request).status, 200);
  }
};

TEST_F(HotReads, SayTheSameEachTime) {
  const std::string id = register_as("ada", "debian");
  const Answer first = as("ada", "GET", metadata(id));
  for (int i = 0; i < 3; ++i) {
    const Answer again = as("ada", "GET", metadata(id));
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.header("Content-Type"), "application/json");
  }
}

TEST_F(HotReads, ShowAPrivateImageToItsOwnerAlone) {
  const std::string id = register_as("ada", "secret", "private");
  warm("ada", id);
  expect_statuses(id, 200, 404, 404);
  TestRequest request("GET", metadata(id), {{"x-visor-scope", "all"}});
  EXPECT_EQ(as("root", request).status, 200);
  expect_statuses(id, 200, 404, 404);
}

TEST_F(HotReads, FollowAChangeOfAccessAtOnce) {
  const std::string id = register_as("ada", "shared");
  warm("bob", id);
  expect_statuses(id, 200, 200, 200);
  change(id, "x-image-meta-access", "private");
  expect_statuses(id, 200, 404, 404);
  warm("ada", id);
  change(id, "x-image-meta-access", "public");
  expect_statuses(id, 200, 200, 200);
}

TEST_F(HotReads, FollowAChangeOfAnAttributeAtOnce) {
  const std::string id = register_as("ada", "before");
  warm("bob", id);
  change(id, "x-image-meta-name", "after");
  const Answer answer = as("bob", "GET", metadata(id));
  EXPECT_EQ(*answer.json().find("image")->text("name"), "after");
  EXPECT_EQ(as("bob", "HEAD", "/images/" + id).header("x-image-meta-name"), "after");
}

TEST_F(HotReads, EndWithTheImage) {
  const std::string id = register_as("ada", "short-lived");
  warm("bob", id);
  EXPECT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  expect_statuses(id, 404, 404, 404);
}

TEST_F(HotReads, CountDownloadsAtOnce) {
  const std::string id = register_as("ada", "data", "public", "some data");
  warm("bob", id);
  EXPECT_EQ(as("bob", "GET", "/images/" + id).body, "some data");
  const Answer answer = as("bob", "GET", metadata(id));
  EXPECT_EQ(answer.json().find("image")->integer("access_count"), 1);
  EXPECT_EQ(as("bob", "HEAD", "/images/" + id).header("x-image-meta-access_count"), "1");
}

TEST_F(HotReads, KeepDocumentsAndAddressesApart) {
  const std::string id = register_as("ada", "debian");
  for (int i = 0; i < 3; ++i) {
    TestRequest json("GET", metadata(id));
    TestRequest xml("GET", metadata(id), {{"Accept", "application/xml"}});
    EXPECT_EQ(as("ada", json).header("Content-Type"), "application/json");
    EXPECT_EQ(as("ada", xml).header("Content-Type"), "application/xml");
  }
  Options named;
  named.public_address = "images.example.org";
  make_front_end({}, named);
  const Answer answer = as("ada", "GET", metadata(id));
  EXPECT_EQ(*answer.json().find("image")->text("uri"), "http://images.example.org/images/" + id);
}

TEST_F(HotReads, LookAtConditionsAsEver) {
  const std::string id = register_as("ada", "data", "public", "some data");
  warm("ada", id);
  const std::string tag = as("ada", "HEAD", "/images/" + id).header("ETag");
  ASSERT_FALSE(tag.empty());
  TestRequest request("HEAD", "/images/" + id, {{"If-None-Match", tag}});
  EXPECT_EQ(as("ada", request).status, 304);
}

TEST_F(HotReads, StopWithTheAccount) {
  const std::string id = register_as("ada", "secret", "private");
  warm("ada", id);
  auth::AccountChange disable;
  disable.enabled = false;
  ASSERT_TRUE(async::run_until_done(accounts_.update("ada", disable)));
  EXPECT_EQ(as("ada", "GET", metadata(id)).status, 403);
  disable.enabled = true;
  ASSERT_TRUE(async::run_until_done(accounts_.update("ada", disable)));
  EXPECT_EQ(as("ada", "GET", metadata(id)).status, 200);
  auth::AccountChange renew;
  renew.secret = Secret("another-secret-0123456789");
  ASSERT_TRUE(async::run_until_done(accounts_.update("ada", renew)));
  EXPECT_EQ(as("ada", "GET", metadata(id)).status, 403) << "signed with the old secret";
}

// Loops on several threads read what another changes: once a change is acknowledged nobody gets
// what was before it.
TEST_F(HotReads, NeverShowWhatAnAcknowledgedChangeHasHidden) {
  const std::string id = register_as("ada", "flickering");
  std::atomic<int> turn = 0;  // odd while the image is hidden, and that is acknowledged
  std::atomic<bool> stop = false;
  std::atomic<int> leaks = 0;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!stop) {
        const int before = turn;
        TestRequest request("GET", metadata(id));
        const int status = as("bob", request).status;
        if (before % 2 == 1 && turn == before && status == 200) ++leaks;
      }
    });
  }
  for (int round = 0; round < 50; ++round) {
    change(id, "x-image-meta-access", "private");
    ++turn;
    std::this_thread::yield();
    EXPECT_EQ(as("bob", "GET", metadata(id)).status, 404);
    ++turn;
    change(id, "x-image-meta-access", "public");
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(leaks, 0);
}

}  // namespace
}  // namespace visor::front::native
