#include "store/measured_store.h"

#include <gtest/gtest.h>

#include <string>

#include "async/executor.h"
#include "base/metrics.h"
#include "store/memory/memory_store.h"

namespace visor::store {
namespace {

using async::run_until_done;

std::uint64_t errors(const std::string& store, std::string_view operation) {
  return metrics::Registry::process()
      .counter("visor_store_errors_total", "", {{"store", store}, {"operation", operation}})
      .value();
}

std::uint64_t calls(const std::string& store, std::string_view operation) {
  const auto counts =
      metrics::Registry::process()
          .histogram("visor_store_seconds", "", metrics::Unit::duration, metrics::call_bounds(),
                     {{"store", store}, {"operation", operation}})
          .counts();
  std::uint64_t sum = 0;
  for (const auto count : counts.buckets) sum += count;
  return sum;
}

// The counts are the process's: only a store whose name nobody had before begins with none.
std::string new_name() {
  static int number = 0;
  return "store-" + std::to_string(++number);
}

std::unique_ptr<Store> small_store(const std::string& name) {
  return measured(name,
                  std::make_unique<MemoryStore>(MemoryStore::Options{.name = name, .capacity = 8}));
}

TEST(MeasuredStore, DoesWhatTheStoreDoesAndCountsIt) {
  const std::string name = new_name();
  const auto store = small_store(name);
  EXPECT_TRUE(store->capability().writable);
  auto writer = run_until_done(store->create("key", 3));
  ASSERT_TRUE(writer);
  const std::string text = "abc";
  ASSERT_TRUE(run_until_done((*writer)->write(std::as_bytes(std::span(text)))));
  ASSERT_TRUE(run_until_done((*writer)->commit(3)));
  auto source = run_until_done(store->open("key", {1, {}}, ""));
  ASSERT_TRUE(source);
  auto read = run_until_done(async::read_all(**source, 10));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, "bc");
  EXPECT_EQ(run_until_done(store->stat("key"))->size, 3u);
  EXPECT_EQ(run_until_done(store->list("", 10))->keys, std::vector<std::string>{"key"});
  EXPECT_TRUE(run_until_done(store->remove("key")));
  for (const char* operation : {"create", "write", "commit", "open", "stat", "list", "remove"}) {
    EXPECT_EQ(calls(name, operation), 1u) << operation;
    EXPECT_EQ(errors(name, operation), 0u) << operation;
  }
}

class RemoteStore final : public MemoryStore {
 public:
  explicit RemoteStore(int& tidied) : tidied_(tidied) {}
  Result<std::string> presigned(const std::string& key, std::chrono::seconds) const override {
    return "https://example.org/" + key;
  }
  void tidy() override { ++tidied_; }

 private:
  int& tidied_;
};

TEST(MeasuredStore, PassesOnWhatOnlySomeStoresDo) {
  const auto plain = small_store("plain");
  const auto refused = plain->presigned("key", std::chrono::minutes(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  plain->tidy();

  int tidied = 0;
  const auto remote = measured("remote", std::make_unique<RemoteStore>(tidied));
  EXPECT_EQ(remote->presigned("key", std::chrono::minutes(1)).value(), "https://example.org/key");
  remote->tidy();
  EXPECT_EQ(tidied, 1);
}

TEST(MeasuredStore, CountsAFullStoreAsAnErrorButNotThatNothingIsThere) {
  const std::string name = new_name();
  const auto store = small_store(name);
  EXPECT_FALSE(run_until_done(store->stat("nothing")));
  EXPECT_FALSE(run_until_done(store->open("nothing", {}, "")));
  EXPECT_EQ(errors(name, "stat"), 0u);
  EXPECT_EQ(errors(name, "open"), 0u);

  const std::string large(20, 'x');
  auto writer = run_until_done(store->create("key", std::nullopt));
  ASSERT_TRUE(writer);
  const auto written = run_until_done((*writer)->write(std::as_bytes(std::span(large))));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::no_space);
  EXPECT_EQ(errors(name, "write"), 1u);
  run_until_done((*writer)->abort());
}

}  // namespace
}  // namespace visor::store
