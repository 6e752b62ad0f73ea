// What every writable store must do: against an HDFS in memory, and against a real one if
// tests/stores has started it and says in VISOR_TEST_HDFS where it is.
#include "store/hdfs/hdfs_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "conformance/store_suite.h"
#include "support/fake_hdfs.h"

namespace visor::store {
namespace {

class FakeUnderTest : public StoreUnderTest {
 public:
  explicit FakeUnderTest(bool plain_locations, bool knows_pages = true) {
    hdfs_.plain_locations = plain_locations;
    hdfs_.knows_pages = hdfs_.knows_overwriting = knows_pages;
    store_ = std::move(*HdfsStore::create(options_for(hdfs_)));
  }
  Store& store() override { return *store_; }
  std::vector<std::string> leftovers() override {
    std::vector<std::string> left;
    for (const auto& path : hdfs_.paths()) {
      if (path.starts_with("/images/.")) left.push_back(path);
    }
    return left;
  }

 private:
  FakeHdfs hdfs_;
  std::unique_ptr<HdfsStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    FakeHdfs, StoreSuite,
    testing::Values(StoreKind{"redirects", [] { return std::make_unique<FakeUnderTest>(false); }},
                    StoreKind{"locations", [] { return std::make_unique<FakeUnderTest>(true); }},
                    StoreKind{"without_pages",
                              [] { return std::make_unique<FakeUnderTest>(false, false); }}),
    store_kind_name);

/// host:port of the namenode, user, folder, and host:port of each datanode, with commas between;
/// before them all "https://PATH," of the certificates to trust, if they speak TLS.
std::vector<std::string> words_of_environment() {
  std::vector<std::string> words;
  const char* text = std::getenv("VISOR_TEST_HDFS");
  if (text == nullptr) return words;
  std::istringstream in{std::string(text)};
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

HdfsStore::Options options_of(std::vector<std::string> words) {
  HdfsStore::Options options;
  if (words.front().starts_with("https://")) {
    options.access.https = true;
    options.fetch.authorities_file = words.front().substr(8);
    words.erase(words.begin());
  }
  options.access.namenodes = {words.at(0)};
  options.access.user = words.at(1);
  options.folder = words.at(2);
  options.datanodes.assign(words.begin() + 3, words.end());
  options.block_size = 1 << 20;
  return options;
}

class RealHdfs : public StoreUnderTest {
 public:
  explicit RealHdfs(const HdfsStore::Options& options)
      : folder_(options.folder),
        access_(options.access),
        store_(std::move(*HdfsStore::create(options))) {
    auto guard = fetch::Guard::create({.exceptions = options.access.namenodes});
    fetcher_ = std::move(*fetch::Fetcher::create(options.fetch, std::move(*guard)));
  }

  Store& store() override { return *store_; }
  std::vector<std::string> leftovers() override {
    webhdfs::Namenodes namenodes(*fetcher_, access_);
    auto page = async::run_until_done(namenodes.list(folder_ + "/.visor-tmp", ""));
    if (!page && page.error().code == Code::not_found) return {};
    if (!page) return {page.error().message};
    std::vector<std::string> names;
    for (const auto& entry : page->entries) names.push_back(entry.name);
    return names;
  }

 private:
  const std::string folder_;
  const webhdfs::Access access_;
  std::unique_ptr<fetch::Fetcher> fetcher_;
  std::unique_ptr<HdfsStore> store_;
};

std::vector<StoreKind> kinds() {
  const auto words = words_of_environment();
  if (words.size() < 3) return {};
  return {{"real", [words] { return std::make_unique<RealHdfs>(options_of(words)); }}};
}

INSTANTIATE_TEST_SUITE_P(RealHdfs, StoreSuite, testing::ValuesIn(kinds()), store_kind_name);

/// The same place, whether or not the server is asked not to redirect.
TEST(HdfsOfTheEnvironment, SaysWhereDataGoesWithAndWithoutARedirect) {
  const auto words = words_of_environment();
  if (words.size() < 3) {
    GTEST_SKIP() << "VISOR_TEST_HDFS names no HDFS; scripts/test --only stores starts one";
  }
  const auto options = options_of(words);
  auto guard = fetch::Guard::create({.exceptions = options.access.namenodes});
  const auto fetcher = std::move(*fetch::Fetcher::create(options.fetch, std::move(*guard)));
  webhdfs::Namenodes namenodes(*fetcher, options.access);
  const std::string scheme = options.access.https ? "https://" : "http://";
  for (const bool redirected : {false, true}) {
    const auto answer = async::run_until_done(namenodes.ask("PUT", options.folder + "/a", "CREATE",
                                                            redirected ? "" : "&noredirect=true"));
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_TRUE(answer->location);
    EXPECT_TRUE(answer->location->starts_with(scheme)) << *answer->location;
    EXPECT_EQ(answer->document.text("Location") == nullptr, redirected);
  }
}

}  // namespace
}  // namespace visor::store
