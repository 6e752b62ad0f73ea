#include "catalogue/client.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "catalogue/memory/memory_catalogue.h"

namespace visor::catalogue {

namespace {

// Remembers on which thread it was called, and says of itself what the test wants.
class WatchedCatalogue : public MemoryCatalogue {
 public:
  explicit WatchedCatalogue(bool inline_reads) : inline_reads_(inline_reads) {}
  Result<Record> get(const std::string& collection, const std::string& id) override {
    called_on = std::this_thread::get_id();
    return MemoryCatalogue::get(collection, id);
  }
  Result<void> apply(const Batch& batch) override {
    called_on = std::this_thread::get_id();
    return MemoryCatalogue::apply(batch);
  }
  bool reads_inline() const override { return inline_reads_; }

  std::thread::id called_on;

 private:
  const bool inline_reads_;
};

Batch one_record() {
  Batch batch;
  batch.puts.push_back({Record{"images", "a", 0, "document", {{"name", "x"}}}, 0});
  batch.counters.push_back({"images", 1, {}});
  return batch;
}

}  // namespace

TEST(CatalogueClient, MakesEachBlockingCallOnThePool) {
  WatchedCatalogue catalogue(false);
  async::WorkerPool pool("catalogue", 1, 8);
  Client client(catalogue, pool);

  ASSERT_TRUE(async::run_until_done(client.apply(one_record())));
  EXPECT_NE(catalogue.called_on, std::this_thread::get_id());
  auto record = async::run_until_done(client.get("images", "a"));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->document, "document");
  EXPECT_NE(catalogue.called_on, std::this_thread::get_id());

  Query query;
  query.collection = "images";
  query.filters = {{"name", "x"}};
  auto page = async::run_until_done(client.find(query));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->records.size(), 1u);
  EXPECT_EQ(async::run_until_done(client.counter("images")).value(), 1);
  EXPECT_EQ(async::run_until_done(client.changes(0, 10))->changes.size(), 1u);
}

TEST(CatalogueClient, ReadsAnEmbeddedEngineInline) {
  WatchedCatalogue catalogue(true);
  async::WorkerPool pool("catalogue", 1, 8);
  Client client(catalogue, pool);
  ASSERT_TRUE(async::run_until_done(client.apply(one_record())));
  EXPECT_NE(catalogue.called_on, std::this_thread::get_id()) << "writing always waits for a disk";
  ASSERT_TRUE(async::run_until_done(client.get("images", "a")));
  EXPECT_EQ(catalogue.called_on, std::this_thread::get_id());
}

TEST(CatalogueClient, PassesErrorsOn) {
  MemoryCatalogue catalogue;
  async::WorkerPool pool("catalogue", 1, 8);
  Client client(catalogue, pool);
  EXPECT_EQ(async::run_until_done(client.get("images", "a")).error().code, Code::not_found);
  EXPECT_EQ(async::run_until_done(client.find(Query{})).error().code, Code::invalid);
  Batch batch = one_record();
  batch.puts.front().expected = 7;
  EXPECT_EQ(async::run_until_done(client.apply(std::move(batch))).error().code, Code::precondition);
}

TEST(CatalogueClient, TurnsAwayFirstStepsButNoLaterOnesWhenThePoolIsFull) {
  MemoryCatalogue catalogue;
  async::WorkerPool pool("catalogue", 1, 1);
  Client client(catalogue, pool);

  std::mutex mutex;
  std::condition_variable changed;
  bool busy = false;
  bool free = false;
  pool.post([&] {
    std::unique_lock lock(mutex);
    busy = true;
    changed.notify_all();
    changed.wait(lock, [&] { return free; });
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return busy; });
  }
  pool.post([] {});  // the queue's one place

  auto refused = async::run_until_done(client.counter("images"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::later);

  std::thread opener([&] {
    while (pool.queued() < 2) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    free = true;
    changed.notify_all();
  });
  EXPECT_TRUE(async::run_until_done(client.apply_admitted(one_record())));
  opener.join();
  EXPECT_EQ(*catalogue.counter("images"), 1);
}

}  // namespace visor::catalogue
