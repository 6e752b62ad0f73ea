#include "auth/secret_box.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/encoding.h"

namespace visor::auth {
namespace {

const Secret kSecret{std::string("a secret of some length")};

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "visor-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "master.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& bytes, mode_t mode) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST(SecretBox, OpensWhatItSealed) {
  const SecretBox box = SecretBox::generate();
  for (const std::size_t size : {0U, 1U, 40U, 4096U}) {
    const Secret secret(std::string(size, 's'));
    auto opened = box.open(box.seal(secret, "joe"), "joe");
    ASSERT_TRUE(opened);
    EXPECT_TRUE(*opened == secret);
  }
}

TEST(SecretBox, NeverSealsTheSameSecretToTheSameText) {
  const SecretBox box = SecretBox::generate();
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string sealed = box.seal(kSecret, "joe");
    EXPECT_EQ(sealed.find("secret"), std::string::npos);
    EXPECT_TRUE(seen.insert(sealed).second);
  }
}

TEST(SecretBox, DoesNotOpenForAnotherContextOrUnderAnotherKey) {
  const SecretBox box = SecretBox::generate();
  const std::string sealed = box.seal(kSecret, "joe");
  EXPECT_FALSE(box.open(sealed, "jim"));
  auto foreign = SecretBox::generate().open(sealed, "joe");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::corrupt);
  EXPECT_NE(foreign.error().message.find("another master key"), std::string::npos);
}

TEST(SecretBox, DoesNotOpenATextWithAnyBitChanged) {
  const SecretBox box = SecretBox::generate();
  const std::string raw = from_base64url(box.seal(kSecret, "joe")).value();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = raw;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      auto opened = box.open(to_base64url(changed), "joe");
      ASSERT_FALSE(opened) << i;
      EXPECT_EQ(opened.error().code, Code::corrupt);
    }
    EXPECT_FALSE(box.open(to_base64url(raw.substr(0, i)), "joe"));
  }
  EXPECT_FALSE(box.open("not base64!", "joe"));
}

TEST(SecretBox, OpensWithAnOlderKeyButWritesWithItsOwn) {
  const SecretBox older = SecretBox::generate();
  SecretBox box = SecretBox::generate();
  const std::string old_text = older.seal(kSecret, "joe");
  EXPECT_FALSE(box.open(old_text, "joe"));
  box.also_open(older);
  EXPECT_TRUE(box.open(old_text, "joe"));
  EXPECT_FALSE(box.seals_like(old_text));
  const std::string new_text = box.seal(kSecret, "joe");
  EXPECT_TRUE(box.seals_like(new_text));
  EXPECT_FALSE(older.open(new_text, "joe"));
}

TEST_F(KeyFile, IsMadeOncePrivateAndOf32Bytes) {
  auto first = SecretBox::load_or_create(path_);
  ASSERT_TRUE(first) << first.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_size, 32);
  EXPECT_EQ(status.st_nlink, 1U);
  auto second = SecretBox::load_or_create(path_);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->open(first->seal(kSecret, "joe"), "joe"));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1U);
}

TEST_F(KeyFile, HasNoOtherNameWhileItIsMade) {
  const int unnamed = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (unnamed < 0) GTEST_SKIP() << "this file system has no unnamed files";
  ::close(unnamed);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Killed (SIGXFSZ) at the first byte that it writes.
    const struct rlimit none = {0, 0};
    ::setrlimit(RLIMIT_FSIZE, &none);
    std::ignore = SecretBox::load_or_create(path_.string());
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it was to be killed while it wrote";
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "a half-made key was left behind";
}

TEST_F(KeyFile, IsOneForAllWhoStartAtOnce) {
  std::vector<std::string> sealed(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& text : sealed) {
      threads.emplace_back([this, &text] {
        auto box = SecretBox::load_or_create(path_);
        if (box) text = box->seal(kSecret, "joe");
      });
    }
  }
  auto box = SecretBox::load(path_);
  ASSERT_TRUE(box);
  for (const std::string& text : sealed) EXPECT_TRUE(box->open(text, "joe"));
}

TEST_F(KeyFile, IsRefusedIfOthersMayReadIt) {
  for (const mode_t mode : {0640U, 0604U, 0666U, 0620U}) {
    write(std::string(32, 'k'), mode);
    auto box = SecretBox::load_or_create(path_);
    ASSERT_FALSE(box);
    EXPECT_EQ(box.error().code, Code::forbidden);
    EXPECT_NE(box.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST_F(KeyFile, IsRefusedIfItHasAnotherSize) {
  for (const std::size_t size : {0U, 31U, 33U, 5000U}) {
    write(std::string(size, 'k'), 0600);
    auto box = SecretBox::load_or_create(path_);
    ASSERT_FALSE(box);
    EXPECT_EQ(box.error().code, Code::invalid);
    EXPECT_NE(box.error().message.find("32 bytes"), std::string::npos);
  }
}

TEST_F(KeyFile, IsRefusedIfItIsAFolderOrAPipe) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(SecretBox::load_or_create(path_));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(SecretBox::load_or_create(path_));
}

TEST_F(KeyFile, IsNotMadeByLoadAlone) {
  auto box = SecretBox::load(path_);
  ASSERT_FALSE(box);
  EXPECT_EQ(box.error().code, Code::not_found);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(SecretBox::load_or_create(folder_ / "missing" / "master.key"));
}

}  // namespace
}  // namespace visor::auth
