#include "store/reference/file_reference_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "async/executor.h"

namespace visor::store {
namespace {

namespace fs = std::filesystem;

class FileReferenceStoreTest : public testing::Test {
 protected:
  FileReferenceStoreTest() {
    std::string name = (fs::temp_directory_path() / "reference-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    fs::create_directories(root_ + "/images/sub");
    fs::create_directory(root_ + "/images-not");
    put("/images/a.iso", "0123456789");
    put("/images/sub/b c.iso", "spaced");
    put("/images/ä.iso", "umlaut");
    put("/images-not/x", "outside");
    put("/secret", "outside");
    store_ = std::move(*FileReferenceStore::open({root_ + "/images/", "/nonexistent"}, disk_));
  }
  ~FileReferenceStoreTest() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + path) << text;
  }
  std::string uri(const std::string& path) const { return "file://" + root_ + path; }
  Result<BlobStatus> stat(std::string location) {
    return async::run_until_done(store_->stat(std::move(location)));
  }
  Code code(std::string location) {
    auto status = stat(std::move(location));
    return status ? Code::internal : status.error().code;
  }
  Result<std::string> read(std::string location, ByteRange range = {}, std::string version = {}) {
    auto source = async::run_until_done(store_->open(std::move(location), range, version));
    if (!source) return pass(source);
    return async::run_until_done(async::read_all(**source, 1000));
  }

  std::string root_;
  async::WorkerPool disk_{"disk", 2, 16};
  std::unique_ptr<FileReferenceStore> store_;
};

TEST_F(FileReferenceStoreTest, ReadsFilesBelowItsFolders) {
  EXPECT_EQ(read(uri("/images/a.iso")), "0123456789");
  EXPECT_EQ(read(uri("/images/a.iso"), {3, 4}), "3456");
  EXPECT_EQ(read(uri("/images//sub/b%20c.iso")), "spaced");
  EXPECT_EQ(read(uri("/images/%C3%A4.iso")), "umlaut");
  EXPECT_EQ(read("FILE://localhost" + root_ + "/images/a.iso"), "0123456789");
  EXPECT_EQ(read("file:" + root_ + "/images/a.iso"), "0123456789");
  EXPECT_EQ(stat(uri("/images/a.iso"))->size, 10u);
}

TEST_F(FileReferenceStoreTest, SaysNotFoundForWhatIsMissingBelowIt) {
  EXPECT_EQ(code(uri("/images/none.iso")), Code::not_found);
  EXPECT_EQ(code(uri("/images/a.iso/x")), Code::not_found);
}

TEST_F(FileReferenceStoreTest, RefusesWhatLiesOutside) {
  for (const std::string path : {"/secret", "/images-not/x", "/images", "/images/", ""}) {
    EXPECT_EQ(code(uri(path)), Code::forbidden) << path;
  }
  EXPECT_EQ(code("file:///etc/passwd"), Code::forbidden);
  EXPECT_EQ(code("file:///"), Code::forbidden);
}

TEST_F(FileReferenceStoreTest, RefusesMalformedLocations) {
  const std::vector<std::string> locations = {"",
                                              "file",
                                              "file:",
                                              "file:images/a.iso",
                                              "http://host/a",
                                              "file://host" + root_ + "/images/a.iso",
                                              "file://127.0.0.1" + root_ + "/images/a.iso",
                                              uri("/images/../secret"),
                                              uri("/images/%2e%2e/secret"),
                                              uri("/images/%2E./secret"),
                                              uri("/images/./a.iso"),
                                              uri("/images/sub/..%2f..%2fsecret"),
                                              uri("/images/a.iso%00"),
                                              uri("/images/a.iso?x"),
                                              uri("/images/a.iso#x"),
                                              uri("/images/%zz"),
                                              uri("/images/%"),
                                              uri("/images/%c0%ae%c0%ae/secret"),
                                              uri("/images/a\n.iso"),
                                              "file:///" + std::string(9000, 'a')};
  for (const auto& location : locations) EXPECT_EQ(code(location), Code::invalid) << location;
}

TEST_F(FileReferenceStoreTest, DecodesOnlyOnce) {
  EXPECT_EQ(code(uri("/images/%252e%252e/secret")), Code::not_found);
}

TEST_F(FileReferenceStoreTest, FollowsNoLinkBelowItsFolders) {
  fs::create_symlink(root_ + "/secret", root_ + "/images/link");
  fs::create_symlink("a.iso", root_ + "/images/inner");
  fs::create_directory_symlink(root_, root_ + "/images/up");
  EXPECT_EQ(code(uri("/images/link")), Code::forbidden);
  EXPECT_EQ(code(uri("/images/inner")), Code::forbidden);
  EXPECT_EQ(code(uri("/images/up/secret")), Code::forbidden);
}

TEST_F(FileReferenceStoreTest, TakesRegularFilesOnly) {
  ASSERT_EQ(::mkfifo((root_ + "/images/pipe").c_str(), 0600), 0);
  EXPECT_EQ(code(uri("/images/pipe")), Code::forbidden);
  EXPECT_EQ(code(uri("/images/sub")), Code::forbidden);
}

TEST_F(FileReferenceStoreTest, NoticesThatAFileChanged) {
  const auto version = stat(uri("/images/a.iso"))->version;
  EXPECT_EQ(read(uri("/images/a.iso"), {}, version), "0123456789");
  put("/images/a.iso", "another text");
  EXPECT_EQ(read(uri("/images/a.iso"), {}, version).error().code, Code::precondition);
}

TEST_F(FileReferenceStoreTest, IsReadOnlyAndForAdministrators) {
  EXPECT_FALSE(store_->capability().writable);
  EXPECT_FALSE(store_->capability().listable);
  EXPECT_EQ(store_->capability().reference, Capability::Reference::administrators);
  EXPECT_EQ(async::run_until_done(store_->create(uri("/images/n"), 1)).error().code,
            Code::unsupported);
  EXPECT_EQ(async::run_until_done(store_->remove(uri("/images/a.iso"))).error().code,
            Code::unsupported);
  EXPECT_EQ(async::run_until_done(store_->list("", 1)).error().code, Code::unsupported);
  EXPECT_EQ(read(uri("/images/a.iso")), "0123456789");
}

TEST_F(FileReferenceStoreTest, RefusesEverythingWithoutFoldersAndRelativeFolders) {
  auto none = FileReferenceStore::open({}, disk_);
  EXPECT_EQ(async::run_until_done((*none)->stat(uri("/images/a.iso"))).error().code,
            Code::forbidden);
  EXPECT_EQ(FileReferenceStore::open({"images"}, disk_).error().code, Code::invalid);
  EXPECT_EQ(FileReferenceStore::open({"/images/../etc"}, disk_).error().code, Code::invalid);
}

}  // namespace
}  // namespace visor::store
