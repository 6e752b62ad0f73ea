#include "app/configuration_hdfs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app/configuration.h"
#include "app/hdfs_parts.h"
#include "base/units.h"

namespace visor::app {
namespace {

HdfsSettings parsed(const std::string& block) {
  const auto configuration = parse_configuration("stores:\n  hdfs: " + block + "\n", "test");
  if (!configuration) {
    ADD_FAILURE() << configuration.error().message;
    return {};
  }
  EXPECT_EQ(configuration->stores.at("hdfs").kind, StoreSettings::Kind::hdfs);
  return configuration->stores.at("hdfs").hdfs;
}

TEST(ConfigurationHdfs, TakesTheKeysOf2012) {
  const auto settings =
      parsed("{host: namenode.example.org, port: 9870, bucket: /images/, username: visor}");
  EXPECT_EQ(settings.namenodes, std::vector<std::string>{"namenode.example.org:9870"});
  EXPECT_EQ(settings.folder, "/images");
  EXPECT_EQ(settings.username, "visor");
  EXPECT_FALSE(settings.https);
  EXPECT_EQ(settings.block_size, 128 * kMiB);
  EXPECT_TRUE(settings.datanodes.empty());
}

TEST(ConfigurationHdfs, TakesEveryKey) {
  const auto settings = parsed(
      "{namenodes: [\"nn1:9871\", \"[fd00::2]:9871\"], bucket: /, token_file: DATA/token, "
      "https: true, authorities: DATA/ca.pem, block_size: 64 MiB, "
      "datanodes: [10.1.0.0/16, \"dn.example.org:9865\"]}");
  EXPECT_EQ(settings.namenodes, (std::vector<std::string>{"nn1:9871", "[fd00::2]:9871"}));
  EXPECT_EQ(settings.folder, "/");
  EXPECT_TRUE(settings.https);
  EXPECT_EQ(settings.token_file, "DATA/token");
  EXPECT_EQ(settings.authorities, "DATA/ca.pem");
  EXPECT_EQ(settings.block_size, 64 * kMiB);
  EXPECT_EQ(settings.datanodes, (std::vector<std::string>{"10.1.0.0/16", "dn.example.org:9865"}));
}

TEST(ConfigurationHdfs, OpensTheStoreWithoutAskingHdfs) {
  const Configuration configuration;
  const auto store =
      open_hdfs(parsed("{host: namenode.invalid, port: 9870, bucket: /images, username: visor}"),
                configuration);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->location("a/b"), "hdfs://namenode.invalid:9870/images/a.b");
}

TEST(ConfigurationHdfs, SaysThatATokenCannotBeRead) {
  std::string folder = (std::filesystem::temp_directory_path() / "visor-hdfs-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  Configuration configuration;
  configuration.data = folder;
  const auto settings = parsed("{namenodes: [h:1], bucket: /images, token_file: DATA/token}");
  EXPECT_EQ(open_hdfs(settings, configuration).error().code, Code::unavailable);
  std::ofstream(folder + "/token") << "\n";
  EXPECT_EQ(open_hdfs(settings, configuration).error().code, Code::invalid);
  std::ofstream(folder + "/token") << "JAAGcm9vdA\r\n";
  EXPECT_TRUE(open_hdfs(settings, configuration));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace visor::app
