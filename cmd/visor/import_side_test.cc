#include "import_side.h"

#include <gtest/gtest.h>

#include <map>

#include "client/test_folder.h"
#include "client/test_server.h"

namespace visor::command {
namespace {

Environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

Result<Side> from(std::map<std::string, std::string> values, SideOptions options = {"glance", ""}) {
  return resolve_side("FROM_", options, {}, variables(std::move(values)), nullptr);
}

std::string url_of(std::string_view text) { return parse_image_api(text).value().url(); }

TEST(ImportSide, KnowsWhereAnImageApiIs) {
  EXPECT_EQ(url_of("glance.example.org"), "http://glance.example.org:9292");
  EXPECT_EQ(url_of("glance.example.org:80"), "http://glance.example.org:80");
  EXPECT_EQ(url_of("http://cloud.example.org/image"), "http://cloud.example.org:80/image");
  EXPECT_EQ(url_of("https://cloud.example.org/image/v2/"), "https://cloud.example.org:443/image");
  EXPECT_EQ(url_of("http://cloud.example.org:9292/v2"), "http://cloud.example.org:9292");
  EXPECT_FALSE(parse_image_api("ftp://cloud.example.org"));
}

TEST(ImportSide, SendsNoTokenUnlessToldTo) {
  EXPECT_EQ(from({})->identity, "without a token");
  EXPECT_TRUE(from({})->token()->empty());
  EXPECT_TRUE(from({{"OS_TOKEN", "t"}, {"FROM_OS_AUTH_TYPE", "none"}})->token()->empty());
}

TEST(ImportSide, PrefersTheVariablesOfItsOwnSide) {
  EXPECT_EQ(from({{"OS_TOKEN", "both"}})->token()->reveal(), "both");
  EXPECT_EQ(from({{"OS_TOKEN", "both"}, {"FROM_OS_TOKEN", "mine"}})->token()->reveal(), "mine");
  EXPECT_EQ(from({{"OS_TOKEN", "both"}, {"TO_OS_TOKEN", "other"}})->token()->reveal(), "both");
  const auto mixed = from({{"OS_PASSWORD", "secret"}, {"FROM_OS_USERNAME", "eve"}});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().message, "FROM_OS_AUTH_URL is not set, though FROM_OS_USERNAME is");
}

TEST(ImportSide, ReadsATokenFromAFileAnewForEachRenewal) {
  const client::TestFolder folder;
  folder.put("token", "first\n");
  client::TokenSource tokens(from({{"OS_TOKEN", "other"}}, {"glance", folder.at("token")})->token);
  const Secret first = tokens.token().value();
  EXPECT_EQ(first.reveal(), "first");
  EXPECT_FALSE(tokens.renew(first).value());
  folder.put("token", "second");
  EXPECT_TRUE(tokens.renew(first).value());
  EXPECT_EQ(tokens.token()->reveal(), "second");
  EXPECT_FALSE(client::token_in_file(folder.at("none"))());
  folder.put("token", " \n");
  EXPECT_FALSE(client::token_in_file(folder.at("token"))());
}

TEST(ImportSide, SaysWhichVariableIsMissing) {
  const std::string url = "http://keystone/v3";
  EXPECT_TRUE(from({{"OS_AUTH_URL", url}}).error().message.contains("OS_USERNAME is not set"));
  EXPECT_TRUE(from({{"OS_AUTH_URL", url}, {"OS_USERNAME", "u"}})
                  .error()
                  .message.contains("OS_PASSWORD is not set"));
  EXPECT_TRUE(from({{"OS_AUTH_URL", url}, {"OS_USERNAME", "u"}, {"OS_PASSWORD", "p"}})
                  .error()
                  .message.contains("OS_PROJECT_NAME is not set"));
  EXPECT_TRUE(from({{"OS_AUTH_URL", url}, {"OS_APPLICATION_CREDENTIAL_ID", "c"}})
                  .error()
                  .message.contains("OS_APPLICATION_CREDENTIAL_SECRET is not set"));
}

TEST(ImportSide, TrustsTheAuthoritiesThatItIsToldOf) {
  const auto trusted = [](std::map<std::string, std::string> values, const char* option = "") {
    BothSides both;
    both.ca_file = option;
    const auto side =
        resolve_side("TO_", {"visor", ""}, both, variables(std::move(values)), nullptr);
    return side->connection.ca_file;
  };
  EXPECT_EQ(trusted({}), "");
  EXPECT_EQ(trusted({{"VISOR_CA", "v"}}), "v");
  EXPECT_EQ(trusted({{"VISOR_CA", "v"}, {"OS_CACERT", "o"}}), "o");
  EXPECT_EQ(trusted({{"OS_CACERT", "o"}, {"TO_OS_CACERT", "t"}, {"FROM_OS_CACERT", "f"}}), "t");
  EXPECT_EQ(trusted({{"TO_OS_CACERT", "t"}}, "option"), "option");
}

TEST(ImportSide, RefusesATimeoutThatIsNone) {
  BothSides both;
  both.stall_timeout = "soon";
  EXPECT_FALSE(resolve_side("TO_", {"visor", ""}, both, variables({}), nullptr));
}

TEST(ImportSide, AsksTheIdentityServiceWithTheUsersPassword) {
  const client::TestServer keystone([](const client::SeenRequest&) {
    return client::reply(201, {{"X-Subject-Token", "issued"}}, "{}");
  });
  const auto side = from({{"OS_AUTH_URL", "http://127.0.0.1:" + std::to_string(keystone.port())},
                          {"OS_USERNAME", "alice"},
                          {"OS_PASSWORD", "secret"},
                          {"OS_USER_DOMAIN_NAME", "people"},
                          {"OS_PROJECT_NAME", "alpha"}});
  EXPECT_EQ(side->token()->reveal(), "issued");
  const auto seen = keystone.seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method + " " + seen[0].target, "POST /v3/auth/tokens");
  EXPECT_EQ(seen[0].body,
            R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"alice",)"
            R"("domain":{"name":"people"},"password":"secret"}}},)"
            R"("scope":{"project":{"name":"alpha","domain":{"id":"default"}}}}})");
}

TEST(ImportSide, AsksTheIdentityServiceWithAnApplicationCredential) {
  const client::TestServer keystone([](const client::SeenRequest& request) {
    return request.body.contains(R"("application_credential":{"id":"c","secret":"s"})")
               ? client::reply(201, {{"X-Subject-Token", "issued"}}, "{}")
               : client::reply(401, {}, "{}");
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(keystone.port()) + "/v3";
  const auto ask = [&](const std::string& secret) {
    return from({{"OS_AUTH_URL", url},
                 {"OS_APPLICATION_CREDENTIAL_ID", "c"},
                 {"OS_APPLICATION_CREDENTIAL_SECRET", secret}})
        ->token();
  };
  EXPECT_EQ(ask("s")->reveal(), "issued");
  const auto refused = ask("wrong");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 401);
  EXPECT_TRUE(refused.error().error.message.contains("doesn't accept"));
}

}  // namespace
}  // namespace visor::command
