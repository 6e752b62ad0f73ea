#include "server_place.h"

#include <gtest/gtest.h>

#include "client/test_folder.h"

namespace visor::command {
namespace {

TEST(ServerPlace, IsVisordsOwnDefault) {
  const auto place = server_place({}, {});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->data, "./var");
  EXPECT_EQ(place->log, "./var/visord.log");
  EXPECT_EQ(place->address, "127.0.0.1:4568");
  EXPECT_EQ(place->config, "");
}

TEST(ServerPlace, FollowsTheFirstConfigurationThatIsThere) {
  const client::TestFolder folder;
  folder.put("visor-config.yml",
             "data: /srv/visor/\nlog:\n  file: /var/log/visord.log\nlisteners:\n  - address: "
             "0.0.0.0:80\n");
  const auto place = server_place({}, {folder.at("none"), folder.at(".")});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->config, folder.at(".") + "/visor-config.yml");
  EXPECT_EQ(place->data, "/srv/visor");
  EXPECT_EQ(place->log, "/var/log/visord.log");
  EXPECT_FALSE(place->own_log);
  EXPECT_EQ(place->address, "0.0.0.0:80");
}

TEST(ServerPlace, TakesNoConfigurationThatLiesAboutIfItIsToldWhere) {
  const client::TestFolder folder;
  folder.put("visor-config.yml", "data: /srv/visor\n");
  ServerOptions options;
  options.data = "/mine/";
  const auto place = server_place(options, {folder.at(".")});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->config, "");
  EXPECT_EQ(place->data, "/mine");
}

TEST(ServerPlace, TakesOptionsBeforeTheConfiguration) {
  const client::TestFolder folder;
  folder.put("c.yml", "data: /srv/visor\n");
  ServerOptions options;
  options.config = folder.at("c.yml");
  options.data = "/mine";
  options.listen = "127.0.0.1:0";
  options.log_file = "/mine.log";
  const auto place = server_place(options, {});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->config, options.config);
  EXPECT_EQ(place->data, "/mine");
  EXPECT_EQ(place->log, "/mine.log");
  EXPECT_EQ(place->address, "") << "a free port is known only from the log";
}

TEST(ServerPlace, SaysThatAConfigurationCannotBeRead) {
  const client::TestFolder folder;
  ServerOptions options;
  options.config = folder.at("none.yml");
  EXPECT_FALSE(server_place(options, {}));
  folder.put("bad.yml", "data: {");
  options.config = folder.at("bad.yml");
  EXPECT_FALSE(server_place(options, {}));
}

}  // namespace
}  // namespace visor::command
