#include "store/hdfs/token_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "async/executor.h"
#include "store/hdfs/hdfs_store.h"
#include "support/fake_hdfs.h"

namespace visor::store {
namespace {

class TokenFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "visor-token-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "token").string(); }
  /// As one who renews tokens does it: whole or not at all.
  void replace(const std::string& text) {
    std::ofstream(folder_ / "new") << text;
    std::filesystem::rename(folder_ / "new", path());
  }

  std::filesystem::path folder_;
};

TEST_F(TokenFileTest, NeedsATokenToBeginWith) {
  EXPECT_EQ(TokenFile::open(path()).error().code, Code::unavailable);
  replace("\n");
  EXPECT_EQ(TokenFile::open(path()).error().code, Code::invalid);
  replace(std::string(10'000, 'x'));
  EXPECT_EQ(TokenFile::open(path()).error().code, Code::invalid);
}

TEST_F(TokenFileTest, GivesTheTokenThatIsInTheFileNow) {
  replace(" first\r\nnot this\n");
  const auto file = TokenFile::open(path());
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->token(), "first");
  replace("the second");
  EXPECT_EQ((*file)->token(), "the second");
  EXPECT_EQ((*file)->token(), "the second");
}

TEST_F(TokenFileTest, KeepsTheLastTokenWhileThereIsNone) {
  replace("first");
  const auto file = TokenFile::open(path());
  ASSERT_TRUE(file) << file.error().message;
  std::filesystem::remove(path());
  EXPECT_EQ((*file)->token(), "first");
  replace("\n");
  EXPECT_EQ((*file)->token(), "first");
  replace("third");
  EXPECT_EQ((*file)->token(), "third");
}

TEST_F(TokenFileTest, IsWhatTheStoreSends) {
  FakeHdfs hdfs;
  // HDFS forgets the first token after the first request.
  std::string known = "first";
  hdfs.refuse = [&known](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
    if (request.query.at("delegation") == known) return std::nullopt;
    return exception_answer("403 No", "InvalidToken");
  };
  replace("first");
  auto file = TokenFile::open(path());
  ASSERT_TRUE(file) << file.error().message;
  auto options = options_for(hdfs);
  options.access.token = [token = *file] { return token->token(); };
  const auto store = HdfsStore::create(std::move(options));
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(async::run_until_done((*store)->stat("a")).error().code, Code::not_found);
  known = "the second";
  EXPECT_EQ(async::run_until_done((*store)->stat("a")).error().code, Code::unavailable);
  replace("the second");
  EXPECT_EQ(async::run_until_done((*store)->stat("a")).error().code, Code::not_found);
}

}  // namespace
}  // namespace visor::store
