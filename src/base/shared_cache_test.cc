#include "base/shared_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace visor {
namespace {

SharedCache::Value number(int value) { return std::make_shared<const int>(value); }
int number_of(const SharedCache::Value& value) { return *static_cast<const int*>(value.get()); }

void put(SharedCache& cache, const std::string& key, int value, std::size_t bytes = 100) {
  const auto found = cache.find(key);
  cache.keep(key, number(value), bytes, found.ticket);
}

TEST(SharedCache, GivesWhatWasKept) {
  SharedCache cache(100'000, 1);
  EXPECT_FALSE(cache.find("a").known);
  put(cache, "a", 1);
  const auto found = cache.find("a");
  ASSERT_TRUE(found.known);
  EXPECT_EQ(number_of(found.value), 1);
}

TEST(SharedCache, KnowsThatThereIsNothing) {
  SharedCache cache(100'000, 1);
  cache.keep("a", nullptr, 0, cache.find("a").ticket);
  const auto found = cache.find("a");
  EXPECT_TRUE(found.known);
  EXPECT_EQ(found.value, nullptr);
}

TEST(SharedCache, FindsNothingFromTheBeginningOfAChangeOn) {
  SharedCache cache(100'000, 1);
  put(cache, "a", 1);
  cache.begin_change("a");
  EXPECT_FALSE(cache.find("a").known);
  cache.end_change("a");
  EXPECT_FALSE(cache.find("a").known);
  put(cache, "a", 2);
  EXPECT_EQ(number_of(cache.find("a").value), 2);
}

TEST(SharedCache, DoesNotKeepWhatWasReadBeforeAChangeAndComesBehindIt) {
  SharedCache cache(100'000, 1);
  const auto before = cache.find("a");
  cache.begin_change("a");
  cache.end_change("a");
  cache.keep("a", number(1), 100, before.ticket);
  EXPECT_FALSE(cache.find("a").known);
}

TEST(SharedCache, DoesNotKeepWhatIsReadDuringAChange) {
  SharedCache cache(100'000, 1);
  cache.begin_change("a");
  const auto during = cache.find("a");
  cache.keep("a", number(1), 100, during.ticket);
  EXPECT_FALSE(cache.find("a").known);
  cache.end_change("a");
  cache.keep("a", number(1), 100, during.ticket);
  EXPECT_FALSE(cache.find("a").known);
}

TEST(SharedCache, WaitsForTheLastOfSeveralChanges) {
  SharedCache cache(100'000, 1);
  cache.begin_change("a");
  cache.begin_change("a");
  cache.end_change("a");
  put(cache, "a", 1);
  EXPECT_FALSE(cache.find("a").known);
  cache.end_change("a");
  put(cache, "a", 2);
  EXPECT_TRUE(cache.find("a").known);
}

TEST(SharedCache, KeepsOthersWhileOneChanges) {
  SharedCache cache(100'000, 1);
  put(cache, "b", 2);
  cache.begin_change("a");
  EXPECT_TRUE(cache.find("b").known);
  put(cache, "c", 3);
  EXPECT_TRUE(cache.find("c").known);
  cache.end_change("a");
}

TEST(SharedCache, ForgetsAtOnce) {
  SharedCache cache(100'000, 1);
  const auto before = cache.find("b");
  put(cache, "a", 1);
  cache.forget("a");
  EXPECT_FALSE(cache.find("a").known);
  cache.keep("b", number(1), 100, before.ticket);
  EXPECT_FALSE(cache.find("b").known);
}

TEST(SharedCache, NeverTakesMoreThanItMay) {
  SharedCache cache(10'000, 4);
  for (int i = 0; i < 1000; ++i) put(cache, std::to_string(i), i, 200);
  EXPECT_LE(cache.bytes(), 10'000U);
  EXPECT_GT(cache.size(), 4U);
}

TEST(SharedCache, KeepsNothingThatIsLargerThanItself) {
  SharedCache cache(10'000, 1);
  put(cache, "small", 1);
  put(cache, "huge", 2, 20'000);
  EXPECT_FALSE(cache.find("huge").known);
  EXPECT_TRUE(cache.find("small").known);
}

TEST(SharedCache, KeepsNothingWithoutRoom) {
  SharedCache cache(0);
  put(cache, "a", 1, 0);
  EXPECT_FALSE(cache.find("a").known);
}

TEST(SharedCache, KeepsWhatIsWantedWhenEverythingIsReadThroughOnce) {
  SharedCache cache(20'000, 1);
  for (int i = 0; i < 20; ++i) put(cache, "hot" + std::to_string(i), i, 100);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) cache.find("hot" + std::to_string(i));
    for (int i = 0; i < 20; ++i) put(cache, "cold" + std::to_string(round * 20 + i), i, 100);
  }
  int kept = 0;
  for (int i = 0; i < 20; ++i) kept += cache.find("hot" + std::to_string(i)).known ? 1 : 0;
  EXPECT_EQ(kept, 20);
}

TEST(SharedCache, StaysInOrderWhenTheNextToGoIsForgotten) {
  SharedCache cache(2'000, 1);
  for (int round = 0; round < 200; ++round) {
    put(cache, std::to_string(round), round, 100);
    cache.find(std::to_string(round - 2));
    cache.forget(std::to_string(round - 3));
  }
  EXPECT_LE(cache.bytes(), 2'000U);
  EXPECT_TRUE(cache.find("199").known);
}

TEST(SharedCache, LeavesAValueToWhoHoldsIt) {
  SharedCache cache(100'000, 1);
  put(cache, "a", 7);
  const auto held = cache.find("a").value;
  cache.forget("a");
  EXPECT_EQ(number_of(held), 7);
}

// An origin whose values only grow: whoever read one must never see a smaller one afterwards, as
// little from the cache as from the origin.
TEST(SharedCache, NeverGivesAnOlderValueThanWasSeenBefore) {
  SharedCache cache(100'000, 2);
  constexpr std::size_t kKeys = 4;
  std::array<std::atomic<int>, kKeys> origin{};
  std::atomic<int> stale = 0;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  for (int reader = 0; reader < 3; ++reader) {
    threads.emplace_back([&] {
      std::array<int, kKeys> seen{};
      for (std::size_t round = 0; !stop; ++round) {
        const std::size_t key = round % kKeys;
        const std::string name = "key" + std::to_string(key);
        const auto found = cache.find(name);
        int value = 0;
        if (found.known) {
          value = number_of(found.value);
        } else {
          value = origin[key];
          cache.keep(name, number(value), 10, found.ticket);
        }
        if (value < seen[key]) ++stale;
        seen[key] = value;
      }
    });
  }
  for (int round = 0; round < 4000; ++round) {
    const std::size_t key = static_cast<std::size_t>(round) % kKeys;
    const std::string name = "key" + std::to_string(key);
    cache.begin_change(name);
    ++origin[key];
    cache.end_change(name);
    // Acknowledged: nobody may see what was before it.
    const auto found = cache.find(name);
    if (found.known && number_of(found.value) < origin[key]) ++stale;
  }
  stop = true;
  threads.clear();
  EXPECT_EQ(stale, 0);
}

}  // namespace
}  // namespace visor
