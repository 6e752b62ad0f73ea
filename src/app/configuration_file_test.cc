#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/configuration.h"

namespace visor::app {
namespace {

class ConfigurationFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "visor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigurationFile, IsReadAndNamedInMessages) {
  const auto good = read_configuration(write("visor-config.yml", "data: /srv/visor\n"));
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->data, "/srv/visor");
  const std::string path = write("visor-config.yml", "\nlog:\n  level: loud\n");
  const auto bad = read_configuration(path);
  ASSERT_FALSE(bad);
  EXPECT_TRUE(bad.error().message.starts_with(path + ":3: log.level: ")) << bad.error().message;
}

TEST_F(ConfigurationFile, ThatIsMissingIsNamed) {
  const auto missing = read_configuration((folder_ / "absent.yml").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_TRUE(missing.error().message.contains("absent.yml"));
}

TEST_F(ConfigurationFile, ThatIsAFolderOrTooLargeIsRefused) {
  const auto folder = read_configuration(folder_.string());
  ASSERT_FALSE(folder);
  EXPECT_TRUE(folder.error().message.contains("is a folder"));
  const auto large = read_configuration(write("large.yml", std::string((1 << 20) + 1, '#')));
  ASSERT_FALSE(large);
  EXPECT_TRUE(large.error().message.contains("larger than 1 MiB"));
  EXPECT_TRUE(read_configuration(write("just.yml", std::string(1 << 20, '#'))));
}

TEST_F(ConfigurationFile, ThatMayNotBeReadSaysSo) {
  const std::string path = write("closed.yml", "");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  // Root may read everything, so for the one call it is somebody else.
  constexpr uid_t kNobody = 65534;
  const uid_t caller = ::geteuid();
  if (caller == 0) ASSERT_EQ(::seteuid(kNobody), 0);
  const auto closed = read_configuration(path);
  if (caller == 0) ASSERT_EQ(::seteuid(caller), 0);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Code::unavailable);
  EXPECT_TRUE(closed.error().message.contains("permission"));
}

TEST_F(ConfigurationFile, TheFirstOneFoundCounts) {
  const std::string first = (folder_ / "first").string();
  const std::string second = (folder_ / "second").string();
  EXPECT_FALSE(find_configuration({first, second}));
  write("second/visor-config.yml", "");
  EXPECT_EQ(find_configuration({first, second}), second + "/visor-config.yml");
  write("first/visor-config.yml", "");
  EXPECT_EQ(find_configuration({first, second}), first + "/visor-config.yml");
}

TEST_F(ConfigurationFile, ALinkToNowhereIsNotPassedOver) {
  write("second/visor-config.yml", "");
  std::filesystem::create_directories(folder_ / "first");
  std::filesystem::create_symlink("nowhere", folder_ / "first" / "visor-config.yml");
  const auto found =
      find_configuration({(folder_ / "first").string(), (folder_ / "second").string()});
  ASSERT_TRUE(found);
  const auto read = read_configuration(*found);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::not_found);
}

TEST_F(ConfigurationFile, IsLookedForWhereTheDocumentationSays) {
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  ::setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(configuration_folders(),
            (std::vector<std::string>{".", "/home/somebody/.visor", "/etc/visor"}));
  ::setenv("HOME", "", 1);
  EXPECT_EQ(configuration_folders(), (std::vector<std::string>{".", "/etc/visor"}));
  if (home == nullptr) {
    ::unsetenv("HOME");
  } else {
    ::setenv("HOME", before.c_str(), 1);
  }
}

}  // namespace
}  // namespace visor::app
