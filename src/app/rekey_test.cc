#include "app/rekey.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/application.h"
#include "app/backup.h"

namespace visor::app {
namespace {

namespace fs = std::filesystem;

class Rekeying : public ::testing::Test {
 protected:
  Rekeying() {
    std::string pattern = (fs::temp_directory_path() / "visor-rekey-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) configuration_.data = pattern;
    configuration_.listeners[0].address.port = 0;
    key_ = configuration_.data + "/master.key";
  }
  ~Rekeying() override { fs::remove_all(configuration_.data); }

  // Whether a server starts, which tries the key on an account.
  Result<void> starts() {
    auto started = Application::start(configuration_, [](const auto&) {});
    if (!started) return pass(started);
    return {};
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Configuration configuration_;
  std::string key_;
};

TEST_F(Rekeying, SealsTheAccountsWithANewKeyAndKeepsTheFormer) {
  ASSERT_TRUE(starts());
  const std::string before = content(key_);
  const auto renewed = renew_master_key(configuration_);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(renewed->accounts, 1U);
  EXPECT_NE(content(key_), before);
  EXPECT_EQ(content(renewed->former_key), before);
  EXPECT_FALSE(fs::exists(next_master_key(key_)));
  EXPECT_TRUE(starts());
  ASSERT_TRUE(renew_master_key(configuration_)) << "again and again";
  EXPECT_TRUE(starts());
}

TEST_F(Rekeying, ThatStoppedBeforeAnAccountWasSealedLeavesAServerThatStarts) {
  ASSERT_TRUE(starts());
  ASSERT_TRUE(auth::SecretBox::load_or_create(next_master_key(key_)));
  EXPECT_TRUE(starts());
  const std::string next = content(next_master_key(key_));
  ASSERT_TRUE(renew_master_key(configuration_));
  EXPECT_EQ(content(key_), next) << "what was begun is ended, not begun anew";
}

TEST_F(Rekeying, ThatStoppedBeforeTheKeysChangedPlacesLeavesAServerThatStarts) {
  ASSERT_TRUE(starts());
  const std::string before = content(key_);
  ASSERT_TRUE(renew_master_key(configuration_));
  // As it was just before the rename: accounts are sealed with the next key alone.
  fs::rename(key_, next_master_key(key_));
  fs::rename(key_ + ".former", key_);
  ASSERT_EQ(content(key_), before);
  EXPECT_TRUE(starts());
  ASSERT_TRUE(renew_master_key(configuration_));
  EXPECT_TRUE(starts());
  EXPECT_NE(content(key_), before);
}

TEST_F(Rekeying, IsRefusedWhileAServerRunsAndWithAnotherKey) {
  {
    auto running = Application::start(configuration_, [](const auto&) {});
    ASSERT_TRUE(running);
    const auto refused = renew_master_key(configuration_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::conflict);
  }
  fs::remove(key_);
  ASSERT_TRUE(auth::SecretBox::load_or_create(key_));
  EXPECT_FALSE(renew_master_key(configuration_));
  EXPECT_FALSE(fs::exists(next_master_key(key_)));
}

TEST_F(Rekeying, ThatIsNotEndedKeepsABackupFromBeingMade) {
  ASSERT_TRUE(starts());
  const std::string destination = configuration_.data + "-backup";
  ASSERT_TRUE(auth::SecretBox::load_or_create(next_master_key(key_)));
  const auto refused = make_backup(configuration_, destination, {});
  ASSERT_FALSE(refused) << "some secrets could be opened with the next key only";
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("visord rekey"), std::string::npos);
  EXPECT_FALSE(fs::exists(destination + "/manifest.json"));
  ASSERT_TRUE(renew_master_key(configuration_));
  const auto made = make_backup(configuration_, destination, {});
  EXPECT_TRUE(made) << made.error().message;
  fs::remove_all(destination);
}

TEST_F(Rekeying, TwiceWithoutAServerInBetweenLeavesTheAuditLogWhole) {
  ASSERT_TRUE(starts());
  ASSERT_TRUE(renew_master_key(configuration_));
  ASSERT_TRUE(renew_master_key(configuration_));
  ASSERT_TRUE(starts());
  std::string told;
  for (const auto& entry : fs::directory_iterator(configuration_.data + "/audit")) {
    told += content(entry.path().string());
  }
  EXPECT_TRUE(told.contains("log.start"));
  EXPECT_FALSE(told.contains("log.damaged")) << told;
}

}  // namespace
}  // namespace visor::app
