#include "catalogue/record_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "async/executor.h"
#include "catalogue/memory/memory_catalogue.h"

namespace visor::catalogue {
namespace {

using async::run_until_done;

// Counts reads, and can do something at a moment that matters.
class CountingCatalogue final : public MemoryCatalogue {
 public:
  Result<Record> document(const std::string& collection, const std::string& id) override {
    ++reads;
    Result<Record> record = MemoryCatalogue::get(collection, id);
    if (after_read) after_read();
    return record;
  }
  Result<void> apply(const Batch& batch) override {
    if (failure) return std::unexpected(*failure);
    Result<void> applied = MemoryCatalogue::apply(batch);
    if (after_apply) after_apply();
    return applied;
  }
  bool reads_inline() const override { return inline_reads; }

  std::atomic<int> reads = 0;
  bool inline_reads = true;
  std::optional<Error> failure;
  std::function<void()> after_read;
  std::function<void()> after_apply;
};

Result<std::string> decode(const Record& record) { return record.document; }
std::size_t bytes_of(const std::string& text) { return text.size(); }

class RecordCaching : public testing::Test {
 protected:
  using Cache = RecordCache<std::string>;

  static Cache::Options options(std::size_t most_bytes = 1 << 20) {
    return {.collection = "images", .decode = decode, .bytes = bytes_of, .most_bytes = most_bytes};
  }
  Result<void> put(const std::string& id, const std::string& document, std::uint64_t expected,
                   const std::string& collection = "images") {
    Batch batch;
    batch.puts.push_back({Record{collection, id, 0, document, {}}, expected});
    return run_until_done(client_.apply(std::move(batch)));
  }
  Result<void> remove(const std::string& id, std::uint64_t expected) {
    Batch batch;
    batch.removes.push_back({"images", id, expected});
    return run_until_done(client_.apply(std::move(batch)));
  }
  std::string read(Cache& cache, const std::string& id) {
    const auto value = run_until_done(cache.get(id));
    return value ? **value : "(" + std::string(to_string(value.error().code)) + ")";
  }

  CountingCatalogue catalogue_;
  async::WorkerPool pool_{"catalogue", 2, 64};
  Client client_{catalogue_, pool_};
};

TEST_F(RecordCaching, AsksTheCatalogueOnceForWhatIsReadOften) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_EQ(catalogue_.reads, 1);
  EXPECT_GT(cache.bytes(), 0U);
}

TEST_F(RecordCaching, GivesTheNewValueBehindAChangeAndNothingBehindARemoval) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
  ASSERT_TRUE(put("a", "two", 1));
  EXPECT_EQ(read(cache, "a"), "two");
  ASSERT_TRUE(remove("a", 2));
  EXPECT_EQ(read(cache, "a"), "(not_found)");
}

TEST_F(RecordCaching, AsksEachTimeForWhatIsNotThere) {
  Cache cache(client_, options());
  EXPECT_EQ(read(cache, "a"), "(not_found)");
  EXPECT_EQ(read(cache, "a"), "(not_found)");
  EXPECT_EQ(catalogue_.reads, 2);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(RecordCaching, KeepsWhatStandsForAMissingRecordUntilItComes) {
  Cache::Options with_absent = options();
  with_absent.absent = "nothing yet";
  Cache cache(client_, with_absent);
  EXPECT_EQ(read(cache, "a"), "nothing yet");
  EXPECT_EQ(read(cache, "a"), "nothing yet");
  EXPECT_EQ(catalogue_.reads, 1);
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
}

TEST_F(RecordCaching, ReadsAnewBehindAChangeThatFailed) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
  catalogue_.failure = Error{Code::unavailable, "the disk is gone", {}};
  EXPECT_FALSE(put("a", "two", 1));
  EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_EQ(catalogue_.reads, 2);
}

TEST_F(RecordCaching, GivesTheNewValueFromTheMomentTheCatalogueHasIt) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
  std::string seen;
  // Applied, but not yet acknowledged.
  catalogue_.after_apply = [&] { seen = **cache.get_at_once("a")->value; };
  ASSERT_TRUE(put("a", "two", 1));
  EXPECT_EQ(seen, "two");
}

TEST_F(RecordCaching, DropsWhatWasReadWhileItChanged) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  catalogue_.after_read = [&] {
    catalogue_.after_read = nullptr;
    ASSERT_TRUE(put("a", "two", 1));
  };
  EXPECT_EQ(**cache.get_at_once("a")->value, "one") << "read before the change";
  EXPECT_EQ(read(cache, "a"), "two");
}

TEST_F(RecordCaching, LeavesOtherCollectionsAlone) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
  ASSERT_TRUE(put("a", "other", 0, "blobs"));
  EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_EQ(catalogue_.reads, 1);
}

TEST_F(RecordCaching, SaysWhetherAValueWasInMemory) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_FALSE(cache.get_at_once("a")->from_memory);
  EXPECT_TRUE(cache.get_at_once("a")->from_memory);
}

TEST_F(RecordCaching, GivesOnTheSpotOnlyWhatIsInMemoryOfAnEngineThatIsFarAway) {
  catalogue_.inline_reads = false;
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_FALSE(cache.get_at_once("a"));
  EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_TRUE(cache.get_at_once("a"));
}

TEST_F(RecordCaching, WorksWithoutMemoryToo) {
  Cache cache(client_, options(0));
  ASSERT_TRUE(put("a", "one", 0));
  EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_EQ(read(cache, "a"), "one");
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(RecordCaching, NeverGivesAnOlderValueThanSomebodySawBefore) {
  Cache cache(client_, options());
  ASSERT_TRUE(put("a", "1", 0));
  std::atomic<int> acknowledged = 1;
  std::atomic<int> stale = 0;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      int seen = 0;
      while (!stop) {
        const int before = acknowledged;
        const int value = std::stoi(**cache.get_at_once("a")->value);
        if (value < before || value < seen) ++stale;
        seen = value;
      }
    });
  }
  for (int i = 2; i < 500; ++i) {
    ASSERT_TRUE(put("a", std::to_string(i), static_cast<std::uint64_t>(i - 1)));
    acknowledged = i;
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(stale, 0);
}

}  // namespace
}  // namespace visor::catalogue
