#include "front/identity/identity_front_end.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/byte_source.h"
#include "auth/auth_fixture.h"
#include "base/encoding.h"
#include "document/json.h"
#include "front/identity/login_request.h"

namespace visor::front::identity {
namespace {

using document::Value;

/// An answer of the front end.
struct Answer {
  int status = 0;
  http::Response response;
  Value json;

  std::string field(std::string_view name) const {
    for (const auto& [key, value] : response.fields) {
      if (equal_ignoring_case(key, name)) return value;
    }
    return {};
  }
  std::string message() const {
    const Value* error = json.find("error");
    const std::string* text = error ? error->text("message") : nullptr;
    return text ? *text : "";
  }
};

std::string password_body(const std::string& access_key, const std::string& secret,
                          const std::string& scope = "") {
  return R"({"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": ")" +
         access_key + R"(", "domain": {"id": "default"}, "password": ")" + secret + "\"}}}" +
         scope + "}}";
}

class IdentityFrontEndTest : public auth::AuthFixture {
 protected:
  IdentityFrontEndTest() { open({}); }

  void open(Options options) {
    if (!options.image_listener) {
      options.image_listener = [] { return ImageListener{9292, false}; };
    }
    front_end_ = std::make_unique<IdentityFrontEnd>(desk_->service, std::move(options));
  }

  Answer ask(std::string_view method, std::string_view target, std::string_view token = {},
             const std::string& body = {}, std::string_view subject = {}) {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    head.path = target.substr(0, target.find('?'));
    if (head.path.size() < target.size()) head.query = target.substr(head.path.size() + 1);
    if (!token.empty()) head.fields.push_back({"X-Auth-Token", token});
    if (!subject.empty()) head.fields.push_back({"X-Subject-Token", subject});
    if (!body.empty()) head.content_length = body.size();
    const auto source = async::text_source(body);
    http::Request request{head,  *source, "request-1", "192.0.2.7", "images.example.org:5000",
                          false, {}};
    Answer answer;
    answer.response = run(front_end_->handle(request));
    answer.status = answer.response.status;
    user_ = request.user;
    if (!answer.response.text.empty()) {
      auto json = document::parse_json(answer.response.text);
      EXPECT_TRUE(json) << answer.response.text;
      if (json) answer.json = std::move(*json);
    }
    return answer;
  }
  Answer post_login(const std::string& body) { return ask("POST", "/v3/auth/tokens", {}, body); }

  std::string user_;  ///< who asked, for the access log
  std::unique_ptr<IdentityFrontEnd> front_end_;
};

TEST_F(IdentityFrontEndTest, ATokenIsToldAsKeystoneTellsIt) {
  const Answer made = post_login(password_body("ada", "secret-of-ada"));
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(user_, "ada");
  EXPECT_TRUE(check(made.field("X-Subject-Token")));
  const Value* token = made.json.find("token");
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(document::write_json(*token->find("user")),
            R"({"domain":{"id":"default","name":"Default"},"id":"ada","name":"ada",)"
            R"("password_expires_at":null})");
  EXPECT_EQ(document::write_json(*token->find("project")),
            R"({"domain":{"id":"default","name":"Default"},"id":"ada","name":"ada"})");
  EXPECT_EQ(document::write_json(*token->find("roles")),
            R"([{"id":"member","name":"member"},{"id":"reader","name":"reader"}])");
  EXPECT_EQ(*token->text("issued_at"), "2026-03-14T15:09:26.000000Z");
  EXPECT_EQ(*token->text("expires_at"), "2026-03-14T16:09:26.000000Z");
  const Value& image = (*token->find("catalog")->as_array())[1];
  EXPECT_EQ(*image.text("type"), "image");
  ASSERT_EQ(image.find("endpoints")->size(), 3u);
  EXPECT_EQ(*(*image.find("endpoints")->as_array())[0].text("url"),
            "http://images.example.org:9292");
}

TEST_F(IdentityFrontEndTest, ATimeHasMicroseconds) {
  EXPECT_EQ(format_token_time(clock_.now() + std::chrono::microseconds(42)),
            "2026-03-14T15:09:26.000042Z");
}

TEST_F(IdentityFrontEndTest, ConfiguredAddressesStandInTheCatalogue) {
  Options options;
  options.region = "north";
  options.identity_address = "https://images.example.org/identity";
  options.image_address = "https://images.example.org/image";
  open(std::move(options));
  const Answer catalogue = ask("GET", "/v3/auth/catalog", token_of("ada"));
  ASSERT_EQ(catalogue.status, 200);
  const std::string text = catalogue.response.text;
  EXPECT_NE(text.find(R"("url":"https://images.example.org/identity/v3")"), std::string::npos);
  EXPECT_NE(text.find(R"("url":"https://images.example.org/image")"), std::string::npos);
  EXPECT_NE(text.find(R"("region":"north")"), std::string::npos);
}

/// Every endpoint of a catalogue, as "type name region interface url id".
std::vector<std::string> places_of(const Value& catalogue) {
  std::vector<std::string> places;
  for (const Value& service : *catalogue.as_array()) {
    for (const Value& endpoint : *service.find("endpoints")->as_array()) {
      std::string place = *service.text("type") + " " + *service.text("name");
      for (const char* name : {"region", "interface", "url", "id"}) {
        place += " " + *endpoint.text(name);
      }
      places.push_back(std::move(place));
    }
  }
  return places;
}

TEST_F(IdentityFrontEndTest, FurtherEndpointsStandBesideItsOwnAndInTheirPlace) {
  Options options;
  options.endpoints = {{"image", "RegionOne", "internal", "http://10.0.0.7:9292"},
                       {"image", "south", "public", "http://south.example.org:9292"},
                       {"volumev3", "RegionOne", "public", "http://volumes.example.org:8776/v3"}};
  open(std::move(options));
  const std::string root = token_of("root");
  const Answer catalogue = ask("GET", "/v3/auth/catalog", root);
  const std::vector<std::string> expected = {
      "identity keystone RegionOne public http://images.example.org:5000/v3 identity-public",
      "identity keystone RegionOne internal http://images.example.org:5000/v3 identity-internal",
      "identity keystone RegionOne admin http://images.example.org:5000/v3 identity-admin",
      "image glance RegionOne public http://images.example.org:9292 image-public",
      "image glance RegionOne internal http://10.0.0.7:9292 image-internal",
      "image glance RegionOne admin http://images.example.org:9292 image-admin",
      "image glance south public http://south.example.org:9292 image-public@south",
      "volumev3 volumev3 RegionOne public http://volumes.example.org:8776/v3 volumev3-public"};
  EXPECT_EQ(places_of(*catalogue.json.find("catalog")), expected);
  const Answer made = post_login(password_body("ada", "secret-of-ada"));
  EXPECT_EQ(places_of(*made.json.find("token")->find("catalog")), expected);
  EXPECT_EQ(ask("GET", "/v3/services", root).json.find("services")->size(), 3u);
  EXPECT_EQ(ask("GET", "/v3/endpoints", root).json.find("endpoints")->size(), expected.size());
  const Answer regions = ask("GET", "/v3/regions", root);
  ASSERT_EQ(regions.json.find("regions")->size(), 2u);
  EXPECT_EQ(*(*regions.json.find("regions")->as_array())[1].text("id"), "south");
}

TEST_F(IdentityFrontEndTest, WhereThereIsNoImageServiceNoneIsTold) {
  Options options;
  options.image_listener = [] { return ImageListener{}; };
  open(std::move(options));
  EXPECT_EQ(ask("GET", "/v3/auth/catalog", token_of("ada")).json.find("catalog")->size(), 1u);
}

TEST_F(IdentityFrontEndTest, WhatIsNoLoginIsRefusedWithASentence) {
  const std::vector<std::pair<std::string, int>> bodies = {
      {"", 400},
      {"{", 400},
      {"[]", 400},
      {R"({"auth": {}})", 400},
      {R"({"auth": {"identity": {"methods": "password"}}})", 400},
      {R"({"auth": {"identity": {"methods": [1]}}})", 400},
      {R"({"auth": {"identity": {"methods": ["password"], "password": {"user": {}}}}})", 400},
      {R"({"auth": {"identity": {"methods": ["token"], "token": {}}}})", 400},
      {R"({"auth": {"identity": {"methods": ["application_credential"]}}})", 400},
      {R"({"auth": {"identity": {"methods": ["password", "totp"]}}})", 401},
      {R"({"auth": {"identity": {"methods": ["saml2"]}}})", 401},
      {password_body("ada", "secret-of-ada", R"(, "scope": "all")"), 400},
      {password_body("ada", "secret-of-ada", R"(, "scope": 5)"), 400},
      {password_body("ada", "secret-of-ada", R"(, "scope": {"domain": {"id": "default"}})"), 401},
      {password_body("ada", "secret-of-ada", R"(, "scope": {"OS-TRUST:trust": {"id": "1"}})"), 401},
      {password_body("ada", "secret-of-bob"), 401},
      {std::string(70'000, ' '), 413},
  };
  for (const auto& [body, status] : bodies) {
    const Answer refused = post_login(body);
    EXPECT_EQ(refused.status, status) << body;
    EXPECT_FALSE(refused.message().empty()) << body;
    EXPECT_EQ(refused.message().find("secret-of"), std::string::npos) << refused.message();
  }
}

TEST_F(IdentityFrontEndTest, AUserOfAnotherDomainIsNobody) {
  std::string body = password_body("ada", "secret-of-ada");
  body.replace(body.find("default"), 7, "another");
  EXPECT_EQ(post_login(body).status, 401);
}

TEST_F(IdentityFrontEndTest, GuessingIsAnsweredWith429) {
  std::vector<int> statuses;
  for (int i = 0; i < 8; ++i) statuses.push_back(post_login(password_body("ada", "guess")).status);
  EXPECT_EQ(statuses.front(), 401);
  EXPECT_EQ(statuses.back(), 429);
}

TEST_F(IdentityFrontEndTest, ATokenIsLookedAtAndRevoked) {
  const std::string token = token_of("ada");
  const Answer seen = ask("GET", "/v3/auth/tokens", token, {}, token);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.field("X-Subject-Token"), token);
  const Answer head = ask("HEAD", "/v3/auth/tokens", token, {}, token);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.response.text.empty());
  EXPECT_EQ(head.response.unsent_length, seen.response.text.size());
  EXPECT_EQ(
      ask("GET", "/v3/auth/tokens?nocatalog", token, {}, token).json.find("token")->find("catalog"),
      nullptr);
  EXPECT_EQ(ask("GET", "/v3/auth/tokens", token_of("bob"), {}, token).status, 403);
  EXPECT_EQ(ask("GET", "/v3/auth/tokens", token, {}, "none").status, 404);
  EXPECT_EQ(ask("GET", "/v3/auth/tokens", token).status, 404);
  EXPECT_EQ(ask("GET", "/v3/auth/tokens").status, 401);
  EXPECT_EQ(ask("DELETE", "/v3/auth/tokens", token, {}, token).status, 204);
  EXPECT_EQ(ask("GET", "/v3/auth/tokens", token, {}, token).status, 401);
}

TEST_F(IdentityFrontEndTest, EveryRouteButThreeNeedsAToken) {
  std::size_t open_to_all = 0;
  for (const auto& [method, pattern] : front_end_->routes()) {
    std::string path = pattern;
    while (path.find('{') != std::string::npos) {
      path.replace(path.find('{'), path.find('}') - path.find('{') + 1, "ada");
    }
    const int status = ask(method, path).status;
    if (status == 401) continue;
    ++open_to_all;
    EXPECT_TRUE(pattern == "/" || pattern == "/v3" ||
                (method == "POST" && pattern == "/v3/auth/tokens"))
        << method << " " << pattern;
  }
  EXPECT_EQ(open_to_all, 5u);
}

TEST_F(IdentityFrontEndTest, WhoMaySeeWhat) {
  const std::string ada = token_of("ada");
  const std::string root = token_of("root");
  const struct {
    const char* path;
    int for_ada;
    int for_root;
  } table[] = {
      {"/v3/auth/projects", 200, 200}, {"/v3/auth/domains", 200, 200},
      {"/v3/auth/system", 200, 200},   {"/v3/auth/catalog", 200, 200},
      {"/v3/projects", 403, 200},      {"/v3/users", 403, 200},
      {"/v3/projects/ada", 200, 200},  {"/v3/users/ada", 200, 200},
      {"/v3/projects/bob", 403, 200},  {"/v3/users/bob", 403, 200},
      {"/v3/users/nobody", 403, 404},  {"/v3/users/ada/projects", 200, 200},
      {"/v3/domains", 200, 200},       {"/v3/domains/default", 200, 200},
      {"/v3/domains/other", 404, 404}, {"/v3/roles", 200, 200},
      {"/v3/roles/member", 200, 200},  {"/v3/roles/king", 404, 404},
      {"/v3/services", 403, 200},      {"/v3/endpoints", 403, 200},
      {"/v3/regions", 403, 200},       {"/v3/users/ada/application_credentials", 200, 403},
      {"/v3/nothing", 404, 404},       {"/v2.0/tokens", 404, 404},
  };
  for (const auto& [path, for_ada, for_root] : table) {
    EXPECT_EQ(ask("GET", path, ada).status, for_ada) << path;
    EXPECT_EQ(ask("GET", path, root).status, for_root) << path;
  }
}

TEST_F(IdentityFrontEndTest, ListsAreFoundByName) {
  const std::string root = token_of("root");
  const auto count = [&](const char* path, const char* name) {
    return ask("GET", path, root).json.find(name)->size();
  };
  EXPECT_EQ(count("/v3/projects", "projects"), 3u);
  EXPECT_EQ(count("/v3/projects?name=ada", "projects"), 1u);
  EXPECT_EQ(count("/v3/projects?name=nobody", "projects"), 0u);
  EXPECT_EQ(count("/v3/projects?domain_id=default", "projects"), 3u);
  EXPECT_EQ(count("/v3/projects?domain_id=other", "projects"), 0u);
  EXPECT_EQ(count("/v3/roles?name=admin", "roles"), 1u);
  EXPECT_EQ(count("/v3/domains?name=Default", "domains"), 1u);
  EXPECT_EQ(count("/v3/domains?name=other", "domains"), 0u);
}

TEST_F(IdentityFrontEndTest, ATokenForNoProjectHasNeitherRolesNorCatalogue) {
  const Answer made = post_login(password_body("ada", "secret-of-ada", R"(, "scope": "unscoped")"));
  ASSERT_EQ(made.status, 201);
  const Value* token = made.json.find("token");
  for (const char* member : {"project", "roles", "catalog", "system"}) {
    EXPECT_EQ(token->find(member), nullptr) << member;
  }
  const std::string text = made.field("X-Subject-Token");
  EXPECT_EQ(ask("GET", "/v3/auth/catalog", text).status, 403);
  EXPECT_EQ(ask("GET", "/v3/auth/projects", text).status, 200);
  EXPECT_EQ(ask("POST", "/v3/users/ada/application_credentials", text,
                R"({"application_credential": {"name": "n"}})")
                .status,
            403);
}

TEST_F(IdentityFrontEndTest, AnApplicationCredentialTellsItsSecretOnce) {
  const std::string ada = token_of("ada");
  const std::string all = "/v3/users/ada/application_credentials";
  const Answer made = ask("POST", all, ada,
                          R"({"application_credential": {"name": "n", "description": "d",
                              "expires_at": "2026-03-15T00:00:00.000000",
                              "roles": [{"name": "reader"}], "unrestricted": false}})");
  ASSERT_EQ(made.status, 201);
  const Value* credential = made.json.find("application_credential");
  ASSERT_NE(credential, nullptr);
  EXPECT_NE(credential->text("secret"), nullptr);
  EXPECT_EQ(*credential->text("expires_at"), "2026-03-15T00:00:00.000000Z");
  const std::string one = all + "/" + *credential->text("id");
  const Answer seen = ask("GET", one, ada);
  ASSERT_EQ(seen.status, 200);
  EXPECT_EQ(seen.json.find("application_credential")->find("secret"), nullptr);
  EXPECT_EQ(ask("GET", all + "?name=n", ada).json.find("application_credentials")->size(), 1u);
  EXPECT_EQ(ask("GET", all + "?name=m", ada).json.find("application_credentials")->size(), 0u);
  EXPECT_EQ(ask("POST", all, ada, R"({"application_credential": {"name": "n"}})").status, 409);
  EXPECT_EQ(ask("DELETE", one, token_of("bob")).status, 403);
  EXPECT_EQ(ask("DELETE", one, ada).status, 204);
  EXPECT_EQ(ask("DELETE", one, ada).status, 404);
}

TEST_F(IdentityFrontEndTest, WhatIsNoApplicationCredentialIsRefused) {
  const std::string ada = token_of("ada");
  for (const char* members :
       {"", R"("name": 5)", R"("name": "n", "expires_at": "tomorrow")",
        R"("name": "n", "roles": "reader")", R"("name": "n", "roles": [{}])",
        R"("name": "n", "roles": [{"name": "admin"}])", R"("name": "n", "secret": "short")",
        R"("name": "n", "access_rules": [{"path": "/v2/images"}])"}) {
    const std::string body = std::string(R"({"application_credential": {)") + members + "}}";
    EXPECT_EQ(ask("POST", "/v3/users/ada/application_credentials", ada, body).status, 400)
        << members;
  }
}

TEST_F(IdentityFrontEndTest, RefusalsOfTheServerHaveTheForm) {
  const http::RequestHead head;
  const http::Response refused = front_end_->refuse(431, "too large", head);
  EXPECT_EQ(refused.status, 431);
  EXPECT_NE(refused.text.find(R"("code":431)"), std::string::npos);
  const Answer other = ask("PATCH", "/v3/auth/tokens", token_of("ada"));
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.field("Allow"), "POST, GET, HEAD, DELETE");
}

}  // namespace
}  // namespace visor::front::identity
