#include "profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/test_folder.h"

namespace visor::command {
namespace {

constexpr const char* kFile =
    "default: lab\n"
    "lab:\n"
    "  address: lab.example.org\n"
    "  port: 8000\n"
    "  access_key: alice\n"
    "  secret_key: of-the-lab\n"
    "cloud:\n"
    "  address: https://cloud.example.org\n"
    "  access_key: bob\n"
    "  secret_key: of-the-cloud\n"
    "  ca: /etc/ca.pem\n";

Profiles profiles() { return parse_profiles(kFile, "profiles.yml").value(); }

Environment with(std::map<std::string, std::string> variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
}

Settings settings(const ConnectionOptions& options, const Environment& environment,
                  const Profiles& known) {
  auto found = resolve(options, environment, known);
  EXPECT_TRUE(found) << found.error().message;
  return found.value_or(Settings{});
}

TEST(Settings, AreTheServerOnThisMachineUnlessSomethingIsSaid) {
  const Settings found = settings({}, with({}), {});
  EXPECT_EQ(found.connection.address.url(), "http://127.0.0.1:4568");
  EXPECT_TRUE(found.access_key.empty());
  EXPECT_TRUE(found.connection.verify_tls);
}

TEST(Settings, ComeFromTheDefaultProfile) {
  const Settings found = settings({}, with({}), profiles());
  EXPECT_EQ(found.connection.address.url(), "http://lab.example.org:8000");
  EXPECT_EQ(found.access_key, "alice");
  EXPECT_EQ(found.secret.reveal(), "of-the-lab");
  EXPECT_EQ(found.profile, "lab");
}

TEST(Settings, TakeTheEnvironmentBeforeTheDefaultProfile) {
  const Settings found = settings({},
                                  with({{"VISOR_ADDRESS", "other"},
                                        {"VISOR_PORT", "9"},
                                        {"VISOR_ACCESS_KEY", "carol"},
                                        {"VISOR_SECRET_KEY", "s"}}),
                                  profiles());
  EXPECT_EQ(found.connection.address.url(), "http://other:9");
  EXPECT_EQ(found.access_key, "carol");
  EXPECT_EQ(found.secret.reveal(), "s");
}

TEST(Settings, TakeAProfileThatIsNamedBeforeTheEnvironment) {
  ConnectionOptions options;
  options.profile = "cloud";
  const Settings found = settings(options,
                                  with({{"VISOR_ADDRESS", "other"},
                                        {"VISOR_PORT", "9"},
                                        {"VISOR_ACCESS_KEY", "carol"},
                                        {"VISOR_SECRET_KEY", "s"},
                                        {"VISOR_CA", "/other.pem"}}),
                                  profiles());
  EXPECT_EQ(found.connection.address.url(), "https://cloud.example.org:443");
  EXPECT_EQ(found.access_key, "bob");
  EXPECT_EQ(found.secret.reveal(), "of-the-cloud");
  EXPECT_EQ(found.connection.ca_file, "/etc/ca.pem");
}

TEST(Settings, TakeTheProfileThatTheEnvironmentNames) {
  EXPECT_EQ(settings({}, with({{"VISOR_PROFILE", "cloud"}}), profiles()).access_key, "bob");
}

TEST(Settings, TakeOptionsBeforeEverything) {
  ConnectionOptions options;
  options.address = "direct";
  options.port = "7";
  options.ca_file = "/mine.pem";
  const Settings found =
      settings(options, with({{"VISOR_ADDRESS", "other"}, {"VISOR_PORT", "9"}}), profiles());
  EXPECT_EQ(found.connection.address.url(), "http://direct:7");
  EXPECT_EQ(found.connection.ca_file, "/mine.pem");
}

TEST(Settings, NeverPutOnePersonsSecretToAnothersKey) {
  ConnectionOptions options;
  options.access_key = "dave";
  const Settings found = settings(
      options, with({{"VISOR_ACCESS_KEY", "carol"}, {"VISOR_SECRET_KEY", "s"}}), profiles());
  EXPECT_EQ(found.access_key, "dave");
  EXPECT_TRUE(found.secret.empty());
  EXPECT_TRUE(settings({}, with({{"VISOR_ACCESS_KEY", "carol"}}), profiles()).secret.empty());
}

TEST(Settings, TakeTheSecretOfTheSameKeyWhereverItIs) {
  ConnectionOptions options;
  options.access_key = "dave";
  EXPECT_EQ(settings(options, with({{"VISOR_SECRET_KEY", "s"}}), {}).secret.reveal(), "s");
  EXPECT_EQ(settings({}, with({{"VISOR_ACCESS_KEY", "alice"}}), profiles()).secret.reveal(),
            "of-the-lab");
}

TEST(Settings, RefuseWhatMakesNoSense) {
  ConnectionOptions options;
  options.profile = "none";
  const auto unknown = resolve(options, with({}), profiles());
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().message.contains("cloud, lab")) << unknown.error().message;
  options = {};
  options.port = "0";
  EXPECT_FALSE(resolve(options, with({}), {}));
  options = {};
  options.stall_timeout = "soon";
  EXPECT_FALSE(resolve(options, with({}), {}));
  EXPECT_FALSE(resolve({}, with({{"VISOR_ADDRESS", "ftp://x"}}), {}));
}

std::string complaint(const std::string& text) {
  const auto found = parse_profiles(text, "p.yml");
  return found ? "" : found.error().message;
}

TEST(Profiles, AreRefusedWithFileLineKeyAndWhatIsAllowed) {
  EXPECT_TRUE(
      complaint("lab:\n  adress: x\n").starts_with("p.yml, line 2: a profile has no 'adress'"));
  EXPECT_TRUE(complaint("lab:\n  address: [x]\n").starts_with("p.yml, line 2"));
  EXPECT_TRUE(complaint("lab: x\n").starts_with("p.yml, line 1"));
  EXPECT_TRUE(complaint("- x\n").starts_with("p.yml, line 1"));
  EXPECT_TRUE(complaint("lab: {\n").starts_with("p.yml, line"));
  EXPECT_TRUE(complaint("default: none\n").contains("none"));
  EXPECT_EQ(complaint(""), "");
}

TEST(Profiles, OfAFileThatIsNotThereAreNone) {
  const client::TestFolder folder;
  const auto found = load_profiles(folder.at("none/profiles.yml"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->exists);
}

TEST(Profiles, WithASecretThatOthersMayReadAreRefusedWithTheFix) {
  const client::TestFolder folder;
  folder.put("p.yml", kFile);
  const std::string path = folder.at("p.yml");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto shared = load_profiles(path);
  ASSERT_FALSE(shared);
  EXPECT_TRUE(shared.error().message.contains("chmod 600 " + path)) << shared.error().message;
  EXPECT_FALSE(shared.error().message.contains("of-the-lab"));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(load_profiles(path));
  folder.put("open.yml", "lab:\n  address: x\n");
  ASSERT_EQ(::chmod(folder.at("open.yml").c_str(), 0644), 0);
  EXPECT_TRUE(load_profiles(folder.at("open.yml")));
}

}  // namespace
}  // namespace visor::command
