// Listing folders of servers that know pages, and of those that don't.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "store/hdfs/hdfs_store.h"
#include "support/fake_hdfs.h"

namespace visor::store {
namespace {

using async::run_until_done;

class HdfsListing : public testing::Test {
 protected:
  Result<Listing> list(const std::string& after, std::uint32_t limit) {
    return run_until_done(store_->list(after, limit));
  }

  FakeHdfs hdfs_;
  const std::unique_ptr<HdfsStore> store_ = std::move(*HdfsStore::create(options_for(hdfs_)));
};

TEST_F(HdfsListing, ListsAWholeFolderWhereThereAreNoPages) {
  hdfs_.knows_pages = false;
  for (const char* name : {"c", "b", "a", "d.e"}) hdfs_.put(std::string("/images/") + name, "x");
  const auto listing = list("", 3);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->keys, (std::vector<std::string>{"a", "b", "c"}));
  const auto rest = list(listing->next.value_or(""), 3);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->keys, std::vector<std::string>{"d/e"});
  EXPECT_EQ(hdfs_.asked("LISTSTATUS"), 2u);
  EXPECT_EQ(hdfs_.asked("LISTSTATUS_BATCH"), 1u) << "not again once it is known";
}

TEST_F(HdfsListing, SortsWhatComesInAnotherOrder) {
  hdfs_.refuse = [](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
    if (request.operation() == "LISTSTATUS_BATCH") {
      return exception_answer("400 Bad", "UnsupportedOperationException");
    }
    auto file = [](const std::string& name) {
      return R"({"pathSuffix":")" + name + R"(","type":"FILE","length":1})";
    };
    return json_answer("200 OK", R"({"FileStatuses":{"FileStatus":[)" + file("b") + "," +
                                     file("c") + "," + file("a") + "]}}");
  };
  const auto listing = list("a", 10);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->keys, (std::vector<std::string>{"b", "c"}));
}

/// As the gateways of Hadoop 3 do.
TEST_F(HdfsListing, TakesWhatItAskedForOutOfAWholeFolder) {
  hdfs_.refuse = [](std::size_t, const HdfsRequest&) {
    std::string list;
    for (const char* name : {"a", "b", "c", "d"}) {
      list += std::string(list.empty() ? "" : ",") + R"({"pathSuffix":")" + name +
              R"(","type":"FILE","length":1})";
    }
    return json_answer("200 OK",
                       R"({"DirectoryListing":{"partialListing":{"FileStatuses":{"FileStatus":[)" +
                           list + R"(]}},"remainingEntries":0}})");
  };
  const auto listing = list("", 3);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->keys, (std::vector<std::string>{"a", "b", "c"}));
  const auto rest = list(listing->next.value_or(""), 3);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->keys, std::vector<std::string>{"d"});
}

TEST_F(HdfsListing, TakesFoldersOfManyImagesWhereThereAreNoPages) {
  hdfs_.knows_pages = false;
  constexpr std::size_t kImages = 20'000;
  const std::string rest = R"(","type":"FILE","length":1,"fileId":7,"modificationTime":1,)"
                           R"("accessTime":1795963728929,"blockSize":134217728,"childrenNum":0,)"
                           R"("group":"visor","owner":"visor","permission":"755","replication":3,)"
                           R"("storagePolicy":0})";
  std::string all;
  for (std::size_t image = 0; image < kImages; ++image) {
    all += (all.empty() ? R"({"pathSuffix":")" : R"(,{"pathSuffix":")") + std::to_string(image);
    all += rest;
  }
  hdfs_.refuse = [&all](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
    if (request.operation() != "LISTSTATUS") return std::nullopt;
    return json_answer("200 OK", R"({"FileStatuses":{"FileStatus":[)" + all + "]}}");
  };
  const auto listing = list("", 1'000'000);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->keys.size(), kImages);
}

TEST_F(HdfsListing, AsksForPagesAgainAfterARefusalForAnotherReason) {
  auto left = std::make_shared<std::atomic<int>>(1);
  hdfs_.refuse = [left](std::size_t, const HdfsRequest&) -> std::optional<std::string> {
    if ((*left)-- <= 0) return std::nullopt;
    return exception_answer("403 No", "AccessControlException");
  };
  EXPECT_EQ(list("", 3).error().code, Code::unavailable);
  EXPECT_TRUE(list("", 3));
  EXPECT_EQ(hdfs_.asked("LISTSTATUS_BATCH"), 2u);
  EXPECT_EQ(hdfs_.asked("LISTSTATUS"), 0u);
}

TEST_F(HdfsListing, TakesNothingElseForAList) {
  for (const char* text : {"{}", R"({"FileStatuses":{"FileStatus":7}})"}) {
    hdfs_.knows_pages = false;
    hdfs_.refuse = [text](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
      if (request.operation() != "LISTSTATUS") return std::nullopt;
      return json_answer("200 OK", text);
    };
    EXPECT_EQ(list("", 3).error().code, Code::unavailable) << text;
  }
}

}  // namespace
}  // namespace visor::store
