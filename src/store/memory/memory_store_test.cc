#include "store/memory/memory_store.h"

#include <gtest/gtest.h>

#include "conformance/store_suite.h"

namespace visor::store {
namespace {

class MemoryStoreUnderTest : public StoreUnderTest {
 public:
  Store& store() override { return store_; }
  std::vector<std::string> leftovers() override {
    if (store_.used() == 0) return {};
    return {std::to_string(store_.used()) + " bytes"};
  }

 private:
  MemoryStore store_;
};

std::unique_ptr<StoreUnderTest> make_memory_store() {
  return std::make_unique<MemoryStoreUnderTest>();
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreSuite, testing::Values(StoreKind{"plain", make_memory_store}),
                         store_kind_name);

TEST(MemoryStore, RunsFullAndGivesTheRoomBack) {
  MemoryStore store(MemoryStore::Options{.name = "small", .capacity = 10});
  EXPECT_EQ(async::run_until_done(store.create("large", 11)).error().code, Code::no_space);
  auto writer = async::run_until_done(store.create("large", std::nullopt));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(async::run_until_done((*writer)->write(as_span("12345678"))));
  EXPECT_EQ(async::run_until_done((*writer)->write(as_span("9abcdef"))).error().code,
            Code::no_space);
  EXPECT_EQ(store.used(), 0u);
  EXPECT_EQ(async::run_until_done((*writer)->commit(8)).error().code, Code::no_space);
}

TEST(MemoryStore, IsReadAfterItIsGone) {
  std::unique_ptr<async::ByteSource> source;
  {
    MemoryStore store;
    auto writer = async::run_until_done(store.create("key", 3));
    ASSERT_TRUE(async::run_until_done((*writer)->write(as_span("abc"))));
    ASSERT_TRUE(async::run_until_done((*writer)->commit(3)));
    source = std::move(*async::run_until_done(store.open("key", {}, "")));
  }
  EXPECT_EQ(drain(*source), "abc");
}

}  // namespace
}  // namespace visor::store
