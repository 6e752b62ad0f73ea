#include "store/file/partial_blob.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "async/buffer_pool.h"
#include "base/units.h"

namespace visor::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSlice = 512 * kKiB;

/// Writes a pattern in page-aligned slices, as an upload does, and looks at what lies in the file.
class PartialBlobTest : public testing::Test {
 protected:
  PartialBlobTest() {
    std::string name = (fs::temp_directory_path() / "partial-blob-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~PartialBlobTest() override {
    tree_.reset();
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    fs::remove_all(folder_);
  }

  bool mount_small_disk(const char* size) {
    const std::string options = std::string("size=") + size;
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    return mounted_;
  }

  std::unique_ptr<PartialBlob> create(FileCalls calls, std::optional<std::uint64_t> size) {
    auto tree = BlobTree::open(folder_, std::move(calls));
    if (!tree) return nullptr;
    tree_ = std::move(*tree);
    auto blob = PartialBlob::create(*tree_, "key", size);
    return blob ? std::move(*blob) : nullptr;
  }

  /// Appends `count` more bytes of the pattern, `offset` bytes into an aligned buffer.
  Result<void> append(PartialBlob& blob, std::size_t count, std::size_t offset = 0) {
    const async::Buffer buffer = buffers_.lease();
    const auto bytes = buffer.bytes().subspan(offset, count);
    std::ranges::generate(bytes, [this] {
      state_ = state_ * 1664525u + 1013904223u;
      return static_cast<std::byte>(state_ >> 24);
    });
    expected_.append(reinterpret_cast<const char*>(bytes.data()), count);
    return blob.append(bytes);
  }

  std::string stored() const {
    std::ifstream file(folder_ + "/ke/key", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  /// Slices of odd and even kinds, one after the other, as a whole blob.
  void expect_exact_bytes(FileCalls calls) {
    auto blob = create(std::move(calls), std::nullopt);
    ASSERT_TRUE(blob);
    ASSERT_TRUE(append(*blob, kSlice));
    ASSERT_TRUE(append(*blob, kSlice - 1));
    ASSERT_TRUE(append(*blob, kSlice));
    ASSERT_TRUE(append(*blob, 4097));
    ASSERT_TRUE(append(*blob, kSlice - 4096));
    ASSERT_TRUE(append(*blob, kSlice, 24));
    ASSERT_TRUE(blob->publish(expected_.size()));
    EXPECT_TRUE(stored() == expected_);
  }

  async::BufferPool buffers_{kSlice + 4096, 1};
  std::string folder_;
  std::string expected_;
  bool mounted_ = false;
  std::uint32_t state_ = 1;
  std::unique_ptr<BlobTree> tree_;
};

TEST_F(PartialBlobTest, KeepsEveryByteOfSlicesThatAreAlignedAndOfThoseThatAreNot) {
  expect_exact_bytes({});
}

TEST_F(PartialBlobTest, KeepsEveryByteOnATemporaryFileSystem) {
  if (!mount_small_disk("16m")) GTEST_SKIP() << "mounting is not permitted";
  expect_exact_bytes({});
}

TEST_F(PartialBlobTest, KeepsEveryByteWhereDirectWritesAreRefused) {
  FileCalls calls;
  calls.set_direct = [](int, bool) {
    errno = EINVAL;
    return -1;
  };
  expect_exact_bytes(std::move(calls));
}

TEST_F(PartialBlobTest, KeepsEveryByteWhereADirectWriteIsRefusedLater) {
  FileCalls calls;
  int direct = 0;
  calls.pwrite = [&direct](int file, const void* bytes, std::size_t size, off_t offset) -> ssize_t {
    if ((::fcntl(file, F_GETFL) & O_DIRECT) != 0 && ++direct > 1) {
      errno = EINVAL;
      return -1;
    }
    return ::pwrite(file, bytes, size, offset);
  };
  expect_exact_bytes(std::move(calls));
}

TEST_F(PartialBlobTest, KeepsEveryByteOfWritesThatEndInTheMiddleOfABlock) {
  FileCalls calls;
  calls.pwrite = [](int file, const void* bytes, std::size_t size, off_t offset) -> ssize_t {
    if ((::fcntl(file, F_GETFL) & O_DIRECT) == 0) return ::pwrite(file, bytes, size, offset);
    // As if the device had failed behind a part that is no whole block.
    ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_DIRECT);
    const ssize_t count = ::pwrite(file, bytes, std::min<std::size_t>(size, 5000), offset);
    ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_DIRECT);
    return count;
  };
  expect_exact_bytes(std::move(calls));
}

TEST_F(PartialBlobTest, WritesWholeSlicesPastThePageCacheAndTheTailThroughIt) {
  std::string modes;
  FileCalls calls;
  calls.set_direct = [&modes](int, bool on) {
    modes += on ? "direct " : "cached ";
    return 0;
  };
  auto blob = create(std::move(calls), 2 * kSlice + 10'000);
  ASSERT_TRUE(blob);
  ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(append(*blob, kSlice));
  EXPECT_EQ(modes, "direct ");
  ASSERT_TRUE(append(*blob, 10'000));
  EXPECT_EQ(modes, "direct cached ");
  ASSERT_TRUE(blob->publish(expected_.size()));
  EXPECT_TRUE(stored() == expected_);
}

TEST_F(PartialBlobTest, FailsWithTheErrorOfADirectWriteAndLeavesNothing) {
  FileCalls calls;
  calls.pwrite = [](int, const void*, std::size_t, off_t) -> ssize_t {
    errno = EIO;
    return -1;
  };
  auto blob = create(std::move(calls), kSlice);
  ASSERT_TRUE(blob);
  const auto outcome = append(*blob, kSlice);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_FALSE(blob->publish(kSlice));
  EXPECT_FALSE(fs::exists(folder_ + "/ke/key"));
}

TEST_F(PartialBlobTest, HoldsNoMoreRoomThanAStepAheadOfWhatArrived) {
  std::uint64_t allocated = 0;
  FileCalls calls;
  calls.free_room = [](int) { return std::nullopt; };
  calls.allocate = [&allocated](int, off_t offset, off_t length) {
    EXPECT_EQ(static_cast<std::uint64_t>(offset), allocated);
    allocated += static_cast<std::uint64_t>(length);
    return 0;
  };
  auto blob = create(std::move(calls), kTiB);
  ASSERT_TRUE(blob);
  EXPECT_EQ(allocated, 0u);
  ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(append(*blob, kSlice));
  EXPECT_EQ(allocated, 64 * kMiB);
}

TEST_F(PartialBlobTest, TakesOnlyAShareOfASmallDiskAheadOfDataOfUnknownLength) {
  std::uint64_t most = 0;
  FileCalls calls;
  calls.free_room = [](int) { return std::optional<std::uint64_t>(60 * kMiB); };
  calls.allocate = [&most](int, off_t, off_t length) {
    most = std::max(most, static_cast<std::uint64_t>(length));
    return 0;
  };
  auto blob = create(std::move(calls), std::nullopt);
  ASSERT_TRUE(blob);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append(*blob, kSlice));
  EXPECT_GE(most, kSlice);
  EXPECT_LE(most, 4 * kMiB) << "the disk is for others too";
}

TEST_F(PartialBlobTest, GivesBackThePartOfAStepThatAFullDiskAllocated) {
  FileCalls calls;
  calls.allocate = [](int file, off_t offset, off_t) {
    ::fallocate(file, FALLOC_FL_KEEP_SIZE, offset, 8 * kMiB);
    errno = ENOSPC;
    return -1;
  };
  auto blob = create(std::move(calls), std::nullopt);
  ASSERT_TRUE(blob);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(blob->publish(2 * kSlice));
  struct stat status = {};
  ASSERT_EQ(::stat((folder_ + "/ke/key").c_str(), &status), 0);
  EXPECT_LE(static_cast<std::uint64_t>(status.st_blocks) * 512, 2 * kSlice + kMiB);
  EXPECT_EQ(stored(), expected_);
}

TEST_F(PartialBlobTest, AllocatesWhatWasAnnouncedAndGivesBackWhatDidNotCome) {
  auto blob = create({}, 3 * kMiB);
  ASSERT_TRUE(blob);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(blob->publish(4 * kSlice));
  struct stat status = {};
  ASSERT_EQ(::stat((folder_ + "/ke/key").c_str(), &status), 0);
  EXPECT_LE(static_cast<std::uint64_t>(status.st_blocks) * 512, 4 * kSlice + 64 * kKiB);
  EXPECT_TRUE(stored() == expected_);
}

TEST_F(PartialBlobTest, SaysNoSpaceAtOnceWhenMoreIsAnnouncedThanThereIs) {
  FileCalls calls;
  calls.free_room = [](int) { return std::optional<std::uint64_t>(1000); };
  auto tree = BlobTree::open(folder_, std::move(calls));
  ASSERT_TRUE(tree);
  EXPECT_TRUE(PartialBlob::create(**tree, "fits", 1000));
  const auto refused = PartialBlob::create(**tree, "key", 1001);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::no_space);
}

TEST_F(PartialBlobTest, SaysNoSpaceWhenTheDiskFillsUpMeanwhileAndLeavesNothing) {
  FileCalls calls;
  calls.allocate = [](int, off_t, off_t) {
    errno = ENOSPC;
    return -1;
  };
  auto blob = create(std::move(calls), 2 * kMiB);
  ASSERT_TRUE(blob);
  Result<void> outcome;
  for (int i = 0; i < 4 && outcome; ++i) outcome = append(*blob, kSlice);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::no_space);
  EXPECT_FALSE(blob->publish(0));
  EXPECT_FALSE(fs::exists(folder_ + "/ke/key"));
}

TEST_F(PartialBlobTest, GoesOnWithoutAllocatingWhereTheFileSystemCant) {
  FileCalls calls;
  int tried = 0;
  calls.allocate = [&tried](int, off_t, off_t) {
    ++tried;
    errno = EOPNOTSUPP;
    return -1;
  };
  auto blob = create(std::move(calls), 4 * kSlice);
  ASSERT_TRUE(blob);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(*blob, kSlice));
  ASSERT_TRUE(blob->publish(expected_.size()));
  EXPECT_EQ(tried, 1);
  EXPECT_TRUE(stored() == expected_);
}

}  // namespace
}  // namespace visor::store
