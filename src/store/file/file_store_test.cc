#include "store/file/file_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "conformance/store_suite.h"

namespace visor::store {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "file-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(folder).string());
  }
  return files;
}

class FileStoreUnderTest : public StoreUnderTest {
 public:
  explicit FileStoreUnderTest(FileCalls calls) {
    auto opened =
        FileStore::open({.directory = folder_.path() + "/store", .calls = std::move(calls)}, disk_);
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }
  Store& store() override { return *store_; }
  std::vector<std::string> leftovers() override { return files_in(folder_.path()); }

 private:
  TemporaryFolder folder_;
  async::WorkerPool disk_{"disk", 4, 64};
  std::unique_ptr<FileStore> store_;
};

std::unique_ptr<StoreUnderTest> make_plain() {
  return std::make_unique<FileStoreUnderTest>(FileCalls());
}

FileCalls without_unnamed_files() {
  FileCalls calls;
  calls.open_unnamed = [](int) {
    errno = EOPNOTSUPP;
    return -1;
  };
  return calls;
}

std::unique_ptr<StoreUnderTest> make_named() {
  return std::make_unique<FileStoreUnderTest>(without_unnamed_files());
}

/// Every other write is interrupted by a signal, the rest take at most 1000 bytes.
std::unique_ptr<StoreUnderTest> make_stuttering() {
  FileCalls calls;
  auto count = std::make_shared<std::atomic<unsigned>>(0);
  calls.pwrite = [count](int file, const void* bytes, std::size_t size, off_t offset) -> ssize_t {
    if ((*count)++ % 2 == 0) {
      errno = EINTR;
      return -1;
    }
    return ::pwrite(file, bytes, std::min<std::size_t>(size, 1000), offset);
  };
  return std::make_unique<FileStoreUnderTest>(std::move(calls));
}

/// Takes the flag for writes past the page cache, and then refuses the writes.
std::unique_ptr<StoreUnderTest> make_without_direct_writes() {
  FileCalls calls;
  calls.pwrite = [](int file, const void* bytes, std::size_t size, off_t offset) -> ssize_t {
    if ((::fcntl(file, F_GETFL) & O_DIRECT) != 0) {
      errno = EINVAL;
      return -1;
    }
    return ::pwrite(file, bytes, size, offset);
  };
  return std::make_unique<FileStoreUnderTest>(std::move(calls));
}

INSTANTIATE_TEST_SUITE_P(
    File, StoreSuite,
    testing::Values(StoreKind{"plain", make_plain}, StoreKind{"withoutUnnamedFiles", make_named},
                    StoreKind{"shortAndInterruptedWrites", make_stuttering},
                    StoreKind{"withoutDirectWrites", make_without_direct_writes}),
    store_kind_name);

class FileStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<FileStore>> open_store(FileCalls calls = {}, std::string lock = {}) {
    return FileStore::open({.directory = folder_.path(),
                            .hold_removals_lock = std::move(lock),
                            .calls = std::move(calls)},
                           disk_);
  }
  static Result<void> put(FileStore& store, const std::string& key, std::string_view bytes,
                          std::optional<std::uint64_t> size = std::nullopt) {
    auto writer = async::run_until_done(store.create(key, size));
    if (!writer) return pass(writer);
    auto written = async::run_until_done((*writer)->write(as_span(bytes)));
    if (!written) {
      async::run_until_done((*writer)->abort());
      return written;
    }
    return async::run_until_done((*writer)->commit(bytes.size()));
  }
  std::vector<std::string> files() const { return files_in(folder_.path()); }

  TemporaryFolder folder_;
  async::WorkerPool disk_{"disk", 2, 64};
};

TEST_F(FileStoreTest, LaysBlobsOutAsDocumented) {
  auto store = open_store();
  ASSERT_TRUE(store);
  ASSERT_TRUE(put(**store, "3f/0d41", "abc"));
  ASSERT_TRUE(put(**store, "3f2a9c1e", "def"));
  EXPECT_TRUE(fs::exists(folder_.path() + "/3f/3f.0d41"));
  EXPECT_TRUE(fs::exists(folder_.path() + "/3f/3f2a9c1e"));
  EXPECT_EQ((*store)->location("3f/0d41"),
            "file://" + fs::canonical(folder_.path()).string() + "/3f/3f.0d41");
}

TEST_F(FileStoreTest, FindsItsBlobsAfterARestart) {
  ASSERT_TRUE(put(**open_store(), "kept", "abc"));
  auto store = open_store();
  auto source = async::run_until_done((*store)->open("kept", {}, ""));
  ASSERT_TRUE(source);
  EXPECT_EQ(drain(**source), "abc");
}

TEST_F(FileStoreTest, SyncsTheDataBeforeTheNameAndTheFolderAfterIt) {
  std::string order;
  FileCalls calls;
  calls.fdatasync = [&order](int file) {
    order += "data ";
    return ::fdatasync(file);
  };
  calls.linkat = [&order](int from, const char* old_name, int to, const char* name, int flags) {
    order += "link ";
    return ::linkat(from, old_name, to, name, flags);
  };
  calls.fsync = [&order](int folder) {
    order += "folder ";
    return ::fsync(folder);
  };
  auto store = open_store(calls);
  order.clear();
  ASSERT_TRUE(put(**store, "abc", "1"));
  EXPECT_EQ(order, "folder data link folder ");
  order.clear();
  ASSERT_TRUE(put(**store, "abd", "2"));
  EXPECT_EQ(order, "data link folder ");
  order.clear();
  ASSERT_TRUE(async::run_until_done((*store)->remove("abd")));
  EXPECT_EQ(order, "folder ");
}

TEST_F(FileStoreTest, SyncsTheFolderAboveItsOwnBeforeAnythingIsStored) {
  struct stat above = {};
  ASSERT_EQ(::stat(folder_.path().c_str(), &above), 0);
  int synced = 0;
  bool fails = false;
  FileCalls calls;
  calls.fsync = [&](int folder) {
    struct stat status = {};
    if (::fstat(folder, &status) == 0 && status.st_ino == above.st_ino) ++synced;
    errno = EIO;
    return fails ? -1 : ::fsync(folder);
  };
  const auto open_at = [&](const char* name) {
    return FileStore::open({.directory = folder_.path() + name, .calls = calls}, disk_);
  };
  EXPECT_TRUE(open_at("/made"));
  EXPECT_EQ(synced, 1);
  EXPECT_TRUE(open_at("/made"));
  EXPECT_EQ(synced, 2) << "the run that made it may have ended just before this";
  fails = true;
  EXPECT_FALSE(open_at("/made-on-a-failing-disk"));
}

TEST_F(FileStoreTest, FailsForGoodAndLeavesNothingWhenADiskFails) {
  for (const bool named : {false, true}) {
    for (const std::string failing : {"pwrite", "fdatasync", "linkat", "fsync"}) {
      SCOPED_TRACE(failing);
      FileCalls calls = named ? without_unnamed_files() : FileCalls();
      int failures = 0;
      const auto refuse = [&failures] {
        ++failures;
        errno = EIO;
        return -1;
      };
      if (failing == "pwrite")
        calls.pwrite = [=](int, const void*, size_t, off_t) { return refuse(); };
      if (failing == "fdatasync") calls.fdatasync = [=](int) { return refuse(); };
      if (failing == "linkat") {
        calls.linkat = [=](int, const char*, int, const char*, int) { return refuse(); };
      }
      int syncs = 0;
      if (failing == "fsync") {
        calls.fsync = [&syncs, refuse](int) { return ++syncs == 3 ? refuse() : 0; };
      }
      auto store = open_store(calls);
      ASSERT_TRUE(store);
      const auto outcome = put(**store, "doomed", "data");
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code, Code::unavailable);
      EXPECT_EQ(failures, 1);
      EXPECT_EQ(files(), std::vector<std::string>{});
    }
  }
}

TEST_F(FileStoreTest, KeepsTheEarlierSmallBlobWhenADiskFailsBeforeTheNewOneHasItsName) {
  for (const std::string failing : {"pwrite", "fdatasync", "rename"}) {
    SCOPED_TRACE(failing);
    bool broken = false;
    const auto refuse = [&broken] {
      errno = EIO;
      return broken ? -1 : 0;
    };
    FileCalls calls;
    const FileCalls real;
    if (failing == "pwrite") {
      calls.pwrite = [&](int file, const void* bytes, std::size_t size, off_t offset) -> ssize_t {
        return refuse() != 0 ? -1 : real.pwrite(file, bytes, size, offset);
      };
    } else if (failing == "fdatasync") {
      calls.fdatasync = [&](int file) { return refuse() != 0 ? -1 : real.fdatasync(file); };
    } else {
      calls.rename = [&](int from, const char* old_name, int to, const char* name) {
        return refuse() != 0 ? -1 : real.rename(from, old_name, to, name);
      };
    }
    auto store = open_store(calls);
    ASSERT_TRUE(async::run_until_done((*store)->replace("note", "first")));
    broken = true;
    EXPECT_EQ(async::run_until_done((*store)->replace("note", "second")).error().code,
              Code::unavailable);
    auto source = async::run_until_done((*store)->open("note", {}, ""));
    ASSERT_TRUE(source);
    EXPECT_EQ(drain(**source), "first");
    EXPECT_EQ(files().size(), 1u) << "what was half written is gone";
    ASSERT_TRUE(async::run_until_done((*store)->remove("note")));
  }
}

TEST_F(FileStoreTest, KeepsAFailedWriterFailed) {
  FileCalls calls;
  int writes = 0;
  calls.pwrite = [&writes](int file, const void* bytes, std::size_t count, off_t offset) {
    if (++writes == 2) {
      errno = ENOSPC;
      return ssize_t{-1};
    }
    return ::pwrite(file, bytes, count, offset);
  };
  auto store = open_store(calls);
  auto writer = async::run_until_done((*store)->create("full", std::nullopt));
  EXPECT_TRUE(async::run_until_done((*writer)->write(as_span("1"))));
  EXPECT_EQ(async::run_until_done((*writer)->write(as_span("2"))).error().code, Code::no_space);
  EXPECT_EQ(async::run_until_done((*writer)->write(as_span("3"))).error().code, Code::no_space);
  EXPECT_EQ(async::run_until_done((*writer)->commit(2)).error().code, Code::no_space);
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(FileStoreTest, DoesNotReportARemovalThatIsNotDurable) {
  FileCalls calls;
  bool failing = false;
  calls.fsync = [&failing](int folder) {
    errno = EIO;
    return failing ? -1 : ::fsync(folder);
  };
  auto store = open_store(calls);
  ASSERT_TRUE(put(**store, "going", "x"));
  failing = true;
  EXPECT_FALSE(async::run_until_done((*store)->remove("going")));
  EXPECT_FALSE(async::run_until_done((*store)->remove("going")));
  failing = false;
  EXPECT_TRUE(async::run_until_done((*store)->remove("going")));
}

TEST_F(FileStoreTest, SaysNoSpaceOnAFullDiskAndLeavesNothing) {
  if (::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "mounting a small file system is not permitted: " << std::strerror(errno);
  }
  {
    auto store = open_store();
    ASSERT_TRUE(store);
    const auto bytes = pattern_bytes(1'000'000);
    EXPECT_EQ(async::run_until_done((*store)->create("early", bytes.size())).error().code,
              Code::no_space);
    EXPECT_EQ(put(**store, "late", bytes).error().code, Code::no_space);
    EXPECT_EQ(files(), std::vector<std::string>{});
    EXPECT_TRUE(put(**store, "fits", std::string_view(bytes).substr(0, 300'000), 300'000));
    EXPECT_TRUE(async::run_until_done((*store)->remove("fits")));
    // Room that was reserved and never written is given back.
    EXPECT_TRUE(put(**store, "less", "x", 400'000));
    EXPECT_TRUE(put(**store, "fits", std::string_view(bytes).substr(0, 300'000), 300'000));
  }
  EXPECT_EQ(::umount2(folder_.path().c_str(), MNT_DETACH), 0);
}

TEST_F(FileStoreTest, StartsOnAFullDiskToReadAndRemove) {
  if (::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small file system is not permitted: " << std::strerror(errno);
  }
  {
    ASSERT_TRUE(put(**open_store(), "kept", "abc"));
    std::ofstream filler(folder_.path() + "/filler");
    filler << std::string(100'000, 'f') << std::flush;
    auto store = open_store();
    ASSERT_TRUE(store) << store.error().message;
    const auto status = async::run_until_done((*store)->stat("kept"));
    EXPECT_TRUE(status) << status.error().where;
    EXPECT_TRUE(async::run_until_done((*store)->remove("kept")));
  }
  EXPECT_EQ(::umount2(folder_.path().c_str(), MNT_DETACH), 0);
}

TEST_F(FileStoreTest, SaysTooLargeBeyondTheLimitOfAFileAndLeavesNothing) {
  auto store = open_store();
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto late = put(**store, "late", pattern_bytes(200'000));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(late.error().code, Code::too_large);
  EXPECT_EQ(files(), std::vector<std::string>{});
  EXPECT_EQ(async::run_until_done((*store)->create("huge", ~std::uint64_t{0})).error().code,
            Code::too_large);
}

TEST_F(FileStoreTest, DefersRemovalsWhileABackupHoldsTheLock) {
  const auto lock_path = folder_.path() + "/backup.lock";
  auto store = open_store({}, lock_path);
  ASSERT_TRUE(put(**store, "held", "x"));
  const Descriptor backup(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(backup.get(), LOCK_EX | LOCK_NB), 0);
  const auto held = async::run_until_done((*store)->remove("held"));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Code::unavailable);
  EXPECT_EQ(held.error().retry, Retry::later);
  EXPECT_TRUE(async::run_until_done((*store)->stat("held")));
  ASSERT_EQ(::flock(backup.get(), LOCK_UN), 0);
  EXPECT_TRUE(async::run_until_done((*store)->remove("held")));
}

TEST_F(FileStoreTest, ClearsWhatACrashLeftButNotWhatIsBeingWritten) {
  auto store = open_store(without_unnamed_files());
  auto writer = async::run_until_done((*store)->create("alive", std::nullopt));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(async::run_until_done((*writer)->write(as_span("abc"))));
  std::ofstream(folder_.path() + "/partial/.partial-dead") << "left";
  std::ofstream(folder_.path() + "/partial/foreign") << "kept";
  EXPECT_EQ(files().size(), 3u);
  auto second = open_store();
  ASSERT_TRUE(second);
  EXPECT_FALSE(fs::exists(folder_.path() + "/partial/.partial-dead"));
  EXPECT_TRUE(fs::exists(folder_.path() + "/partial/foreign"));
  ASSERT_TRUE(async::run_until_done((*writer)->commit(3)));
  EXPECT_TRUE(async::run_until_done((*second)->stat("alive")));
}

TEST_F(FileStoreTest, TakesLinksAndFoldersInItsTreeForMissing) {
  auto store = open_store();
  ASSERT_TRUE(put(**store, "li/real", "x"));
  fs::create_symlink("/etc/passwd", folder_.path() + "/li/link");
  fs::create_directory_symlink("/etc", folder_.path() + "/et");
  fs::create_directory(folder_.path() + "/li/lifolder");
  EXPECT_EQ(async::run_until_done((*store)->open("link", {}, "")).error().code, Code::not_found);
  EXPECT_EQ(async::run_until_done((*store)->stat("et/passwd")).error().code, Code::not_found);
  EXPECT_EQ(async::run_until_done((*store)->stat("lifolder")).error().code, Code::not_found);
  EXPECT_FALSE(async::run_until_done((*store)->create("etc", 1)));
  EXPECT_EQ(async::run_until_done((*store)->list("", 10))->keys,
            std::vector<std::string>{"li/real"});
}

TEST_F(FileStoreTest, GivesCorruptNotAShortStreamWhenAFileWasCut) {
  auto store = open_store();
  ASSERT_TRUE(put(**store, "cut", pattern_bytes(10'000)));
  auto source = async::run_until_done((*store)->open("cut", {}, ""));
  fs::resize_file(folder_.path() + "/cu/cut", 4'000);
  EXPECT_EQ(drain(**source).error().code, Code::corrupt);
}

TEST_F(FileStoreTest, GivesItsPartOfTheFileAway) {
  auto store = open_store();
  ASSERT_TRUE(put(**store, "sent", "0123456789"));
  auto source = async::run_until_done((*store)->open("sent", {2, 5}, ""));
  const auto file = (*source)->as_file();
  ASSERT_TRUE(file);
  char bytes[5];
  ASSERT_EQ(::pread(file->descriptor, bytes, file->length, static_cast<off_t>(file->offset)), 5);
  EXPECT_EQ(std::string_view(bytes, 5), "23456");
}

TEST_F(FileStoreTest, SaysWhatToDoWhenTheFolderIsNoGood) {
  const auto missing = FileStore::open({.directory = folder_.path() + "/no/such"}, disk_);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/no/such' cannot be made"), std::string::npos);
  std::ofstream(folder_.path() + "/a-file") << "x";
  EXPECT_FALSE(FileStore::open({.directory = folder_.path() + "/a-file"}, disk_));
  EXPECT_FALSE(FileStore::open({.directory = ""}, disk_));
}

TEST_F(FileStoreTest, NoticesAtTheStartThatItMayNotWrite) {
  fs::permissions(folder_.path(), fs::perms(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may write anywhere: become somebody else.
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);
    const auto store = open_store();
    const bool told = !store && store.error().code == Code::unavailable &&
                      store.error().message.find("cannot be written") != std::string::npos;
    ::_exit(told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  fs::permissions(folder_.path(), fs::perms(0700));
}

}  // namespace
}  // namespace visor::store
