#include "app/configuration_identity.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/configuration.h"

namespace visor::app {
namespace {

constexpr std::string_view kListeners = R"(
listeners:
  - {address: 127.0.0.1:4568, serves: [native]}
  - {address: 127.0.0.1:9292, serves: [glance]}
)";

Result<Configuration> read(std::string_view identity) {
  return parse_configuration(std::string(kListeners) + std::string(identity), "visor-config.yml");
}

std::string complaint(std::string_view identity) {
  const auto configuration = read(identity);
  EXPECT_FALSE(configuration) << identity;
  return configuration ? "" : configuration.error().message;
}

TEST(IdentityConfiguration, KeystoneIsReadWithAUser) {
  const auto configuration = read(R"(
identity:
  kind: keystone
  keystone:
    addresses: ["https://keystone-1.example.org:5000/v3", "http://[fd00::1]:5000/identity"]
    public_address: https://keystone.example.org
    username: visor
    user_domain: services
    project: infrastructure
    project_domain: services
    password_file: DATA/keystone.password
    administrator_roles: [admin, cloud-admin]
    service_roles: []
    reader_roles: [reader, auditor]
    administrator_projects: [8a5b]
    cache: 0s
    cache_entries: 5
    timeout: 3s
    authorities: /etc/visor/ca.pem
)");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->identity.kind, IdentitySettings::Kind::keystone);
  const KeystoneSettings& is = configuration->identity.keystone;
  EXPECT_EQ(is.addresses, (std::vector<std::string>{"https://keystone-1.example.org:5000",
                                                    "http://[fd00::1]:5000/identity"}));
  EXPECT_EQ(is.public_address, "https://keystone.example.org");
  EXPECT_EQ(is.username, "visor");
  EXPECT_EQ(is.user_domain, "services");
  EXPECT_EQ(is.project, "infrastructure");
  EXPECT_EQ(is.project_domain, "services");
  EXPECT_EQ(is.password_file, "DATA/keystone.password");
  EXPECT_EQ(is.administrator_roles, (std::vector<std::string>{"admin", "cloud-admin"}));
  EXPECT_TRUE(is.service_roles.empty());
  EXPECT_EQ(is.reader_roles, (std::vector<std::string>{"reader", "auditor"}));
  EXPECT_EQ(is.administrator_projects, std::vector<std::string>{"8a5b"});
  EXPECT_EQ(is.cache.count(), 0);
  EXPECT_EQ(is.cache_entries, 5u);
  EXPECT_EQ(is.timeout, std::chrono::seconds(3));
  EXPECT_EQ(is.authorities, "/etc/visor/ca.pem");
}

TEST(IdentityConfiguration, KeystoneIsReadWithAnApplicationCredential) {
  const auto configuration = read(R"(
identity:
  kind: keystone
  keystone:
    addresses: ["http://keystone.example.org:5000"]
    application_credential: 21dc
    application_credential_secret_environment: VISOR_KEYSTONE
)");
  ASSERT_TRUE(configuration) << configuration.error().message;
  const KeystoneSettings& is = configuration->identity.keystone;
  EXPECT_EQ(is.application_credential, "21dc");
  EXPECT_EQ(is.application_credential_secret_environment, "VISOR_KEYSTONE");
}

TEST(IdentityConfiguration, OwnAccountsNeedAListenerThatGivesOutTokens) {
  EXPECT_NE(complaint("identity: {kind: own}\n").find("nobody could get a token"),
            std::string::npos);
  EXPECT_NE(complaint("").find("listeners: a listener serves glance"), std::string::npos);
  const auto configuration = parse_configuration(R"(
listeners:
  - {address: 127.0.0.1:9292, serves: [glance]}
  - {address: 127.0.0.1:5000, serves: [identity]}
identity:
  own:
    token_lifetime: 10m
    region: north
    identity_address: https://images.example.org/identity
    image_address: https://images.example.org/image
)",
                                                 "visor-config.yml");
  ASSERT_TRUE(configuration) << configuration.error().message;
  const OwnIdentitySettings& is = configuration->identity.own;
  EXPECT_EQ(is.token_lifetime, std::chrono::minutes(10));
  EXPECT_EQ(is.region, "north");
  EXPECT_EQ(is.identity_address, "https://images.example.org/identity");
  EXPECT_EQ(is.image_address, "https://images.example.org/image");
}

Result<Configuration> read_own(std::string_view own) {
  const std::string listeners =
      "listeners: [{address: '127.0.0.1:1', serves: [glance]}, {address: '127.0.0.1:2', serves: "
      "[identity]}]\n";
  return parse_configuration(listeners + "identity:\n  own:\n" + std::string(own),
                             "visor-config.yml");
}

TEST(IdentityConfiguration, TheCatalogueHasFurtherEndpoints) {
  const auto configuration = read_own(R"(
    endpoints:
      - {type: volumev3, url: "https://volumes.example.org:8776/v3/"}
      - {type: image, region: south, interface: public, url: "http://south.example.org:9292"}
      - {type: image, interface: internal, url: "http://10.0.0.7:9292"}
    region: north
)");
  ASSERT_TRUE(configuration) << configuration.error().message;
  const std::vector<auth::ServiceEndpoint> expected = {
      {"volumev3", "north", "public", "https://volumes.example.org:8776/v3"},
      {"volumev3", "north", "internal", "https://volumes.example.org:8776/v3"},
      {"volumev3", "north", "admin", "https://volumes.example.org:8776/v3"},
      {"image", "south", "public", "http://south.example.org:9292"},
      {"image", "north", "internal", "http://10.0.0.7:9292"}};
  EXPECT_EQ(configuration->identity.own.endpoints, expected);
}

TEST(IdentityConfiguration, MistakesInEndpointsAreTold) {
  const struct {
    std::string_view endpoints;
    std::string_view told;
  } mistakes[] = {
      {"volumev3", "must be a list"},
      {"[volumev3]", "own.endpoints[0]: must be a section"},
      {"[{url: 'http://h'}]", "has no type"},
      {"[{type: Volume, url: 'http://h'}]", "'Volume' can't be the type of a service"},
      {"[{type: volumev3}]", "has no address"},
      {"[{type: volumev3, url: h}]", "endpoints[0].url: 'h' begins with neither"},
      {"[{type: volumev3, url: 'http://h/v3/%(project_id)s'}]", "which nobody fills in here"},
      {"[{type: volumev3, url: 'http://h', interface: private}]", "public, internal, admin"},
      {"[{type: volumev3, url: 'http://h', region: ''}]", "endpoints[0].region: is empty"},
      {"[{type: volumev3, uri: 'http://h'}]", "did you mean 'url'?"},
      {"[{type: image, url: 'http://h'}, {type: image, url: 'http://i', interface: admin}]",
       "endpoints[1]: names the admin endpoint of 'image' in 'RegionOne' once more"},
  };
  for (const auto& [endpoints, told] : mistakes) {
    const auto read = read_own("    endpoints: " + std::string(endpoints) + "\n");
    ASSERT_FALSE(read) << endpoints;
    EXPECT_NE(read.error().message.find(told), std::string::npos) << endpoints << "\n"
                                                                  << read.error().message;
  }
}

TEST(IdentityConfiguration, EverybodyIsOneAccountWhereNobodyIsAsked) {
  const auto configuration =
      read("identity: {kind: none, everybody: {account: lab, administrator: true}}\n");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->identity.everybody.account, "lab");
  EXPECT_TRUE(configuration->identity.everybody.administrator);
}

TEST(IdentityConfiguration, MistakesAreTold) {
  const struct {
    std::string_view keystone;
    std::string_view told;
  } mistakes[] = {
      {"", "no address of Keystone"},
      {"", "not as whom"},
      {"addresses: ['ftp://keystone']", "keystone.addresses[0]: 'ftp://keystone'"},
      {"username: visor", "needs both username and password"},
      {"password: kept-to-itself", "needs both username and password"},
      {"application_credential: 21dc", "application_credential_secret"},
      {"{username: u, password: p, application_credential: 21dc}", "a user and an application"},
      {"{username: u, password: p, password_file: f}", "in more than one place"},
      {"cache: 25h", "keystone.cache"},
      {"cache_entries: 0", "keystone.cache_entries"},
      {"timeout: 1ms", "keystone.timeout"},
      {"adresses: []", "did you mean 'addresses'?"},
  };
  for (const auto& [keystone, told] : mistakes) {
    std::string text = "identity:\n  kind: keystone\n";
    if (!keystone.empty()) text += "  keystone:\n    " + std::string(keystone) + "\n";
    const std::string message = complaint(text);
    EXPECT_NE(message.find(told), std::string::npos) << keystone << "\n" << message;
    EXPECT_EQ(message.find("kept-to-itself"), std::string::npos);
  }
  EXPECT_NE(complaint("identity: {kind: ldap}\n").find("own, keystone, http_basic, none"),
            std::string::npos);
  EXPECT_NE(complaint("identity: {kind: none, everybody: {account: a b}}\n").find("'a b'"),
            std::string::npos);
  const auto served = parse_configuration(
      "listeners: [{address: '127.0.0.1:1', serves: [glance]}, {address: '127.0.0.1:2', serves: "
      "[identity]}]\nidentity: {kind: none}\n",
      "visor-config.yml");
  ASSERT_FALSE(served);
  EXPECT_NE(served.error().message.find("whose tokens nobody would take"), std::string::npos);
}

TEST(IdentityConfiguration, InterfacesOfOnePathNeedListenersOfTheirOwn) {
  const auto both = parse_configuration(
      "listeners: [{address: '127.0.0.1:1', serves: [native, glance]}]\nidentity: {kind: none}\n",
      "visor-config.yml");
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().message.find("names more than one"), std::string::npos);
}

}  // namespace
}  // namespace visor::app
