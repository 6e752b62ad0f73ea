// Routes of accounts, driven without sockets.
#include <gtest/gtest.h>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

class UserRoutes : public FrontEndFixture {
 protected:
  Answer submit(std::string_view who, std::string_view method, std::string_view target,
                std::string document) {
    TestRequest request(method, target);
    request.with("Content-Type", "application/json").body(std::move(document));
    return as(who, request);
  }
  std::vector<std::string> keys_in(const Answer& answer) {
    std::vector<std::string> keys;
    const document::Value document = answer.json();
    if (document.find("users") == nullptr) return {"(no list)"};
    for (const auto& user : *document.find("users")->as_array()) {
      keys.push_back(*user.text("access_key"));
    }
    return keys;
  }
};

TEST_F(UserRoutes, AnAccountLivesThroughItsWholeLife) {
  const Answer created = submit("root", "POST", "/users",
                                R"({"user":{"access_key":"eve","email":"eve@example.org",
                                    "quota_images":3,"team":"blue"}})");
  ASSERT_EQ(created.status, 200) << created.body;
  const document::Value document = created.json();
  const std::string secret = *document.find("user")->text("secret_key");
  EXPECT_GE(secret.size(), 20u);
  EXPECT_EQ(created.header("cache-control"), "no-store");
  EXPECT_EQ(document.find("user")->integer("quota_images"), 3);

  const Answer shown = as("root", "GET", "/users/eve");
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(*shown.json().find("user")->text("team"), "blue");
  EXPECT_EQ(shown.body.find("secret"), std::string::npos);

  const Answer changed = submit("root", "PUT", "/users/eve",
                                R"({"email":"new@example.org","floor":"3","quota_images":null})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(*changed.json().find("user")->text("email"), "new@example.org");
  EXPECT_EQ(*changed.json().find("user")->text("team"), "blue");
  EXPECT_EQ(*changed.json().find("user")->text("floor"), "3");
  EXPECT_EQ(changed.json().find("user")->find("quota_images"), nullptr);
  EXPECT_EQ(changed.json().find("user")->find("secret_key"), nullptr);

  const Answer renewed = submit("root", "PUT", "/users/eve", R"({"renew_secret":true})");
  ASSERT_EQ(renewed.status, 200) << renewed.body;
  EXPECT_NE(*renewed.json().find("user")->text("secret_key"), secret);

  const Answer removed = as("root", "DELETE", "/users/eve");
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(*removed.json().find("user")->text("access_key"), "eve");
  EXPECT_EQ(as("root", "GET", "/users/eve").status, 404);
}

TEST_F(UserRoutes, DocumentsMayBeXml) {
  TestRequest post("POST", "/users");
  post.with("Content-Type", "application/xml")
      .with("Accept", "application/xml")
      .body("<user><access_key>eve</access_key><email>eve@example.org</email></user>");
  const Answer created = as("root", post);
  ASSERT_EQ(created.status, 200) << created.body;
  const auto document = document::parse_xml(created.body);
  ASSERT_TRUE(document) << created.body;
  EXPECT_TRUE(document->find("user")->text("secret_key"));
}

TEST_F(UserRoutes, OnlyAdministratorsSeeOrChangeAccounts) {
  EXPECT_EQ(as("ada", "GET", "/users").status, 403);
  EXPECT_EQ(as("ada", "GET", "/users/ada").status, 403);
  EXPECT_EQ(as("ada", "GET", "/users/nobody").status, 403);
  EXPECT_EQ(as("ada", "DELETE", "/users/bob").status, 403);
  EXPECT_EQ(submit("ada", "PUT", "/users/ada", R"({"administrator":true})").status, 403);
  TestRequest post("POST", "/users");
  post.body(R"({"access_key":"eve","email":"e@example.org"})");
  EXPECT_EQ(as("ada", post).status, 403);
  EXPECT_FALSE(post.body_was_read());
}

TEST_F(UserRoutes, BadDocumentsAreRefusedBySentence) {
  const std::pair<const char*, int> cases[] = {
      {"", 400},
      {"{", 400},
      {R"({"access_key":"eve"})", 400},
      {R"({"email":"e@example.org"})", 400},
      {R"({"access_key":"e","email":"e@example.org"})", 400},
      {R"({"access_key":"eve","email":"nowhere"})", 400},
      {R"({"access_key":"eve","email":"e@example.org","secret_key":"mine"})", 400},
      {R"({"access_key":"ada","email":"e@example.org"})", 409},
  };
  for (const auto& [text, status] : cases) {
    const Answer answer = submit("root", "POST", "/users", text);
    EXPECT_EQ(answer.status, status) << text << ": " << answer.body;
  }
  EXPECT_EQ(submit("root", "PUT", "/users/ada", R"({"access_key":"eva"})").status, 400);
  EXPECT_EQ(submit("root", "PUT", "/users/nobody", R"({"team":"x"})").status, 404);
  EXPECT_EQ(submit("root", "POST", "/users", std::string(100'000, ' ')).status, 413);
}

TEST_F(UserRoutes, TheLastAdministratorStays) {
  EXPECT_EQ(as("root", "DELETE", "/users/root").status, 409);
  EXPECT_EQ(submit("root", "PUT", "/users/root", R"({"enabled":false})").status, 409);
}

TEST_F(UserRoutes, AccountsAreListedByPagesAndFilters) {
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys_in(as("root", "GET", "/users")), (Keys{"ada", "bob", "root"}));
  EXPECT_EQ(keys_in(as("root", "GET", "/users?email=bob@example.org")), (Keys{"bob"}));
  EXPECT_EQ(keys_in(as("root", "GET", "/users?administrator=true")), (Keys{"root"}));
  const Answer first = as("root", "GET", "/users?limit=2");
  EXPECT_EQ(keys_in(first), (Keys{"ada", "bob"}));
  const document::Value document = first.json();
  ASSERT_TRUE(document.text("next"));
  EXPECT_EQ(keys_in(as("root", "GET", *document.text("next"))), (Keys{"root"}));
  EXPECT_EQ(as("root", "GET", "/users?limit=0").status, 400);
  EXPECT_EQ(as("root", "GET", "/users?sort=email").status, 400);
  EXPECT_EQ(as("root", "GET", "/users").body.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace visor::front::native
