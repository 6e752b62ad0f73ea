#include "client/partial_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/test_folder.h"

namespace visor::client {
namespace {

using Names = std::set<std::string>;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(PartialFile, GetsItsFinalNameOnlyByCommit) {
  const TestFolder folder;
  auto file = PartialFile::open(folder.at("a"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->restart("\"t\""));
  ASSERT_TRUE((*file)->append(bytes("hello")));
  EXPECT_EQ(folder.names(), (Names{"a.partial", "a.partial.tag"}));
  ASSERT_TRUE((*file)->commit());
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(folder.text("a"), "hello");
}

TEST(PartialFile, IsThereAgainWithItsTagWhenItIsOpenedLater) {
  const TestFolder folder;
  {
    auto file = PartialFile::open(folder.at("a"));
    ASSERT_TRUE((*file)->restart("\"t\""));
    ASSERT_TRUE((*file)->append(bytes("hel")));
  }
  auto file = PartialFile::open(folder.at("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 3U);
  EXPECT_EQ((*file)->entity_tag(), "\"t\"");
  Digester digester(DigestAlgorithm::sha256);
  ASSERT_TRUE((*file)->digest(digester));
  EXPECT_EQ(digester.finish_hex(), digest_hex(DigestAlgorithm::sha256, "hel"));
  ASSERT_TRUE((*file)->append(bytes("lo")));
  ASSERT_TRUE((*file)->commit());
  EXPECT_EQ(folder.text("a"), "hello");
}

TEST(PartialFile, LeavesNothingIfNothingCame) {
  const TestFolder folder;
  {
    auto file = PartialFile::open(folder.at("a"));
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->restart("\"t\""));
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(PartialFile, IsForOneDownloadAtATime) {
  const TestFolder folder;
  auto first = PartialFile::open(folder.at("a"));
  ASSERT_TRUE(first);
  const auto second = PartialFile::open(folder.at("a"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error.code, Code::conflict);
}

TEST(PartialFile, SaysWhichFolderIsMissing) {
  const TestFolder folder;
  const auto file = PartialFile::open(folder.at("none/a"));
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().error.message.contains("does not exist"));
}

TEST(PartialFile, DoesNotTakeAFoldersPlace) {
  const TestFolder folder;
  ASSERT_EQ(::mkdir(folder.at("a").c_str(), 0700), 0);
  EXPECT_FALSE(PartialFile::open(folder.at("a")));
}

TEST(PartialFile, DoesNotFollowALinkThatSomebodyPutThere) {
  const TestFolder folder;
  folder.put("victim", "precious");
  ASSERT_EQ(::symlink(folder.at("victim").c_str(), folder.at("a.partial").c_str()), 0);
  EXPECT_FALSE(PartialFile::open(folder.at("a")));
  EXPECT_EQ(folder.text("victim"), "precious");
}

TEST(PartialFile, DoesNotTrustATagThatWasCutShort) {
  const TestFolder folder;
  folder.put("a.partial", "hel");
  folder.put("a.partial.tag", "\"t\"");
  auto file = PartialFile::open(folder.at("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->entity_tag(), "");
}

}  // namespace
}  // namespace visor::client
