#include "store/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace visor::store {
namespace {

namespace fs = std::filesystem;

using Open = int (*)(int, const char*, int, mode_t);

// Both ways must refuse the same.
class OpenBeneath : public ::testing::TestWithParam<Open> {
 protected:
  OpenBeneath() {
    std::string pattern = (fs::temp_directory_path() / "visor-beneath-XXXXXX").string();
    base_ = ::mkdtemp(pattern.data());
    fs::create_directories(base_ / "tree/a/b");
    std::ofstream(base_ / "tree/a/b/file") << "inside";
    std::ofstream(base_ / "secret") << "outside";
    fs::create_symlink("../secret", base_ / "tree/out");
    fs::create_symlink("a", base_ / "tree/link");
    fs::create_symlink("b/file", base_ / "tree/a/last");
    folder_ = Descriptor(::open((base_ / "tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~OpenBeneath() override { fs::remove_all(base_); }

  // 0, or why it is refused.
  int tried(const char* path, int flags, mode_t mode = 0) {
    errno = 0;
    const Descriptor opened(GetParam()(folder_.get(), path, flags, mode));
    return opened ? 0 : errno;
  }

  fs::path base_;
  Descriptor folder_;
};

TEST_P(OpenBeneath, OpensWhatLiesBeneath) {
  for (const char* path : {"a/b/file", "a//b/./file", "./a/b/file"}) {
    EXPECT_EQ(tried(path, O_RDONLY), 0) << path;
  }
  EXPECT_EQ(tried(".", O_RDONLY | O_DIRECTORY), 0);
  EXPECT_EQ(tried("a/b", O_RDONLY | O_DIRECTORY), 0);
  EXPECT_EQ(tried("a/b/", O_RDONLY), 0);
  EXPECT_EQ(tried("a/b/file", O_PATH), 0);
}

TEST_P(OpenBeneath, MakesFilesThatAreNotPassedOn) {
  const Descriptor made(GetParam()(folder_.get(), "a/new", O_CREAT | O_EXCL | O_WRONLY, 0600));
  ASSERT_TRUE(made);
  EXPECT_TRUE(::fcntl(made.get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fs::exists(base_ / "tree/a/new"));
  EXPECT_EQ(tried("a/new", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
}

TEST_P(OpenBeneath, FollowsNoLinkAnywhere) {
  EXPECT_EQ(tried("out", O_RDONLY), ELOOP);
  EXPECT_EQ(tried("out", O_PATH), ELOOP);
  EXPECT_EQ(tried("link/b/file", O_RDONLY), ELOOP);
  EXPECT_EQ(tried("link", O_RDONLY | O_DIRECTORY), ELOOP);
  EXPECT_EQ(tried("a/last", O_RDONLY), ELOOP);
}

TEST_P(OpenBeneath, NeverLeavesTheFolder) {
  EXPECT_EQ(tried("../secret", O_RDONLY), EXDEV);
  EXPECT_EQ(tried("a/../../secret", O_RDONLY), EXDEV);
  EXPECT_EQ(tried((base_ / "secret").c_str(), O_RDONLY), EXDEV);
}

TEST_P(OpenBeneath, SaysWhatIsNotThere) {
  EXPECT_EQ(tried("nothing", O_RDONLY), ENOENT);
  EXPECT_EQ(tried("a/nothing/file", O_RDONLY), ENOENT);
  EXPECT_EQ(tried("a/b/file/more", O_RDONLY), ENOTDIR);
  EXPECT_EQ(tried("", O_RDONLY), ENOENT);
}

int in_one(int folder, const char* path, int flags, mode_t mode) {
  return open_beneath(folder, path, flags, mode);
}
int by_steps(int folder, const char* path, int flags, mode_t mode) {
  return open_beneath_by_steps(folder, path, flags, mode);
}
INSTANTIATE_TEST_SUITE_P(BothWays, OpenBeneath, ::testing::Values(&in_one, &by_steps));

}  // namespace
}  // namespace visor::store
