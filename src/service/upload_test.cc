#include "service/upload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "async/executor.h"
#include "async/when_all.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using enum DigestAlgorithm;

const std::vector<DigestAlgorithm> kAll = {md5, sha1, sha256, sha512};

/// Keeps what is written, on a thread of its own, and can fail.
class KeptWriter final : public store::BlobWriter {
 public:
  explicit KeptWriter(async::WorkerPool& pool) : pool_(pool) {}
  std::function<Result<void>(std::size_t so_far)> before_write;
  std::string kept;

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override {
    auto work = [this, bytes]() -> Result<void> {
      if (before_write) {
        if (auto allowed = before_write(kept.size()); !allowed) return allowed;
      }
      kept.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return {};
    };
    co_return co_await pool_.run_admitted(std::move(work));
  }
  async::Task<Result<void>> commit(std::uint64_t) override { co_return Result<void>{}; }
  async::Task<void> abort() override { co_return; }

 private:
  async::WorkerPool& pool_;
};

/// Notes into how much memory a stream was read.
class WatchedSource final : public async::ByteSource {
 public:
  explicit WatchedSource(std::uint64_t size) : left_(size) {}
  std::function<void()> before_read;
  std::set<const std::byte*> slices;
  std::size_t slice_size = 0;

  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (before_read) before_read();
    slice_size = std::max(slice_size, into.size());
    if (into.size() == slice_size) slices.insert(into.data());
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, into.size()));
    std::memset(into.data(), 'x', count);
    left_ -= count;
    co_return count;
  }

 private:
  std::uint64_t left_;
};

class Upload : public testing::Test {
 protected:
  async::Task<Result<Received>> pass(async::ByteSource& source, KeptWriter& writer) {
    const UploadPass pass_through{source, writer, digests_, digest_queue_, slices_, reserve_};
    co_return co_await receive(pass_through);
  }

  Digests expected(std::string_view bytes) const {
    Digests digests;
    for (const auto one : digests_) digests[one] = digest_hex(one, bytes);
    return digests;
  }

  std::vector<DigestAlgorithm> digests_ = kAll;
  async::BufferPool slices_{kSlice, 4};
  async::WorkerPool disk_pool_{"disk", 2, 64};
  async::WorkerPool digest_pool_{"digest", 2, 64};
  DigestQueue digest_queue_{digest_pool_};
  Reserve reserve_ = [](std::uint64_t) -> async::Task<Result<void>> { co_return Result<void>{}; };
};

TEST_F(Upload, KeepsAndDigestsEveryByteWhateverTheLength) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{16 * 1024}, std::size_t{16 * 1024 + 1},
        kSlice - 1, kSlice, kSlice + 1, 3 * kSlice, 4 * kSlice + 5, 20 * kSlice + 777}) {
    SCOPED_TRACE(size);
    const std::string bytes = pattern(size);
    Source source(bytes, true);
    KeptWriter writer(disk_pool_);
    const auto received = async::run_until_done(pass(source, writer));
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, size);
    EXPECT_TRUE(writer.kept == bytes);
    EXPECT_EQ(received->digests, expected(bytes));
  }
}

TEST_F(Upload, ComputesTheDigestsThatAreConfiguredAndNoOthers) {
  const std::string bytes = pattern(5 * kSlice + 3);
  for (const auto& chosen : std::vector<std::vector<DigestAlgorithm>>{
           {}, {sha256}, {md5, sha256}, {sha512, sha256}, {sha1}}) {
    digests_ = chosen;
    Source source(bytes, true);
    KeptWriter writer(disk_pool_);
    const auto received = async::run_until_done(pass(source, writer));
    ASSERT_TRUE(received);
    EXPECT_EQ(received->digests, expected(bytes));
  }
}

TEST_F(Upload, TakesManyStreamsAtOnce) {
  const std::string bytes = pattern(7 * kSlice + 11);
  const auto one = [this, &bytes]() -> async::Task<Result<void>> {
    Source source(bytes, true);
    KeptWriter writer(disk_pool_);
    Result<Received> received = co_await pass(source, writer);
    if (!received) co_return std::unexpected(received.error());
    EXPECT_EQ(received->digests, expected(bytes));
    EXPECT_TRUE(writer.kept == bytes);
    co_return Result<void>{};
  };
  std::vector<async::Task<Result<void>>> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(one());
  EXPECT_TRUE(async::run_until_done(async::when_all(std::move(streams))));
}

TEST_F(Upload, NeedsThreeSlicesOfMemoryHoweverSlowTheDiskIs) {
  WatchedSource source(50 * kSlice);
  KeptWriter writer(disk_pool_);
  std::mutex mutex;
  std::condition_variable changed;
  int reads = 0;
  source.before_read = [&] {
    const std::lock_guard lock(mutex);
    ++reads;
    changed.notify_all();
  };
  // The first write waits until everything that may be read before it is.
  writer.before_write = [&](std::size_t so_far) -> Result<void> {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return so_far > 0 || reads >= 3; });
    return {};
  };
  const auto received = async::run_until_done(pass(source, writer));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size, 50 * kSlice);
  EXPECT_EQ(writer.kept.size(), 50 * kSlice);
  EXPECT_EQ(source.slices.size(), 3u);
}

TEST_F(Upload, LeasesOneSliceForASmallStream) {
  WatchedSource source(1000);
  KeptWriter writer(disk_pool_);
  ASSERT_TRUE(async::run_until_done(pass(source, writer)));
  EXPECT_EQ(source.slices.size(), 1u);
}

TEST_F(Upload, EndsWithTheWritersErrorAndReadsNoFurther) {
  WatchedSource source(1'000'000 * kSlice);
  KeptWriter writer(disk_pool_);
  writer.before_write = [](std::size_t so_far) -> Result<void> {
    if (so_far >= 5 * kSlice) return fail(Code::no_space, "full");
    return {};
  };
  const auto received = async::run_until_done(pass(source, writer));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Code::no_space);
  EXPECT_EQ(writer.kept.size(), 5 * kSlice);
}

TEST_F(Upload, EndsWithTheSourcesError) {
  for (const std::size_t after : {std::size_t{0}, std::size_t{10}, 4 * kSlice + 1, 6 * kSlice}) {
    BrokenSource source(pattern(6 * kSlice), after);
    KeptWriter writer(disk_pool_);
    const auto received = async::run_until_done(pass(source, writer));
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, Code::cancelled);
    EXPECT_LE(writer.kept.size(), after);
  }
}

TEST_F(Upload, WritesNothingThatCouldNotBeReserved) {
  reserve_ = [](std::uint64_t total) -> async::Task<Result<void>> {
    if (total > 3 * kSlice) co_return fail(Code::quota, "enough");
    co_return Result<void>{};
  };
  Source source(pattern(10 * kSlice), false);
  KeptWriter writer(disk_pool_);
  const auto received = async::run_until_done(pass(source, writer));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Code::quota);
  EXPECT_LE(writer.kept.size(), 3 * kSlice);
}

TEST_F(Upload, PassesADefectOnWhenAllItsThreadsAreDone) {
  WatchedSource source(100 * kSlice);
  int reads = 0;
  source.before_read = [&reads] {
    if (++reads == 5) throw std::runtime_error("a defect of the source");
  };
  KeptWriter writer(disk_pool_);
  EXPECT_THROW(std::ignore = async::run_until_done(pass(source, writer)), std::runtime_error);

  WatchedSource endless(1'000'000 * kSlice);
  KeptWriter defective(disk_pool_);
  defective.before_write = [](std::size_t so_far) -> Result<void> {
    if (so_far > 0) throw std::runtime_error("a defect of the store");
    return {};
  };
  EXPECT_THROW(std::ignore = async::run_until_done(pass(endless, defective)), std::runtime_error);
}

}  // namespace
}  // namespace visor::service
