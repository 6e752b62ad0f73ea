// Conformance of a catalogue engine: many threads at once. Included by catalogue_suite.h.
#pragma once

#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

TEST_P(CatalogueSuite, NeverLetsACounterOverItsLimitWhoeverComesFirst) {
  constexpr std::int64_t kLimit = 100;
  std::atomic<std::int64_t> granted = 0;
  std::atomic<int> wrong = 0;
  together(8, [&](int thread) {
    for (int i = 0; i < 40; ++i) {
      const std::int64_t step = 1 + (thread + i) % 3;
      auto result = catalogue().apply(count("bytes", step, kLimit));
      if (result) {
        granted += step;
      } else if (result.error().code != Code::quota) {
        ++wrong;
      }
      auto value = catalogue().counter("bytes");
      if (!value || *value > kLimit) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(*catalogue().counter("bytes"), granted);
  EXPECT_EQ(granted, kLimit) << "steps of one fill it up";
}

TEST_P(CatalogueSuite, StoresNotOneByteMoreThanTheLimitFromSixtyFourUploadsAtOnce) {
  constexpr std::int64_t kImage = 10;
  constexpr std::int64_t kLimit = 15 * kImage + 5;
  std::atomic<int> stored = 0;
  std::atomic<int> refused = 0;
  together(64, [&](int thread) {
    Batch batch = batch_of(put("image-" + std::to_string(thread), {{"state", "present"}}));
    batch.counters.push_back({"bytes", kImage, kLimit});
    auto result = catalogue().apply(batch);
    if (result) ++stored;
    if (!result && result.error().code == Code::quota) ++refused;
  });
  EXPECT_EQ(stored, 15);
  EXPECT_EQ(refused, 64 - 15);
  EXPECT_EQ(*catalogue().counter("bytes"), 15 * kImage);
  EXPECT_EQ(ids(where({{"state", "present"}})).size(), 15u);
}

TEST_P(CatalogueSuite, LosesNoIncrementUnderCompareAndSwap) {
  constexpr int kThreads = 8;
  constexpr int kIncrements = 25;
  ASSERT_DONE(catalogue().apply(batch_of(put("a", {{"value", "0"}}, 0, "0"))));
  std::atomic<int> wrong = 0;
  together(kThreads, [&](int) {
    for (int done = 0; done < kIncrements && wrong == 0;) {
      auto record = catalogue().get("images", "a");
      if (!record) {
        ++wrong;
        break;
      }
      const std::string next = std::to_string(std::stoi(record->document) + 1);
      auto result =
          catalogue().apply(batch_of(put("a", {{"value", next}}, record->revision, next)));
      if (result) ++done;
      if (!result && result.error().code != Code::precondition) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  auto record = catalogue().get("images", "a");
  ASSERT_DONE(record);
  EXPECT_EQ(record->document, std::to_string(kThreads * kIncrements));
  EXPECT_EQ(record->revision, kThreads * kIncrements + 1u);
  EXPECT_EQ(ids(where({{"value", std::to_string(kThreads * kIncrements)}})), Ids{"a"});
}

TEST_P(CatalogueSuite, LetsOneOfManyCreateARecord) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> won = 0;
    std::atomic<int> lost = 0;
    const std::string id = "image-" + std::to_string(round);
    together(8, [&](int) {
      auto result = store(id, {});
      if (result) ++won;
      if (!result && result.error().code == Code::precondition) ++lost;
    });
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 7);
  }
}

// A reader must see both records of a batch or none, and a page that belongs to one moment.
TEST_P(CatalogueSuite, ShowsReadersWholeBatchesOnly) {
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  together(5, [&](int thread) {
    if (thread == 0) {
      for (std::uint64_t revision = 0; revision < 100; ++revision) {
        const std::string value = std::to_string(revision);
        Batch batch;
        batch.puts = {put("a", {{"value", value}}, revision, value),
                      put("b", {{"value", value}}, revision, value)};
        if (!catalogue().apply(batch)) ++wrong;
      }
      stop = true;
      return;
    }
    while (!stop) {
      auto page = catalogue().find(thread % 2 == 0 ? sorted("value") : all());
      if (!page || (page->records.size() != 2 && !page->records.empty()) ||
          (page->records.size() == 2 && page->records[0].document != page->records[1].document)) {
        ++wrong;
      }
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_P(CatalogueSuite, GivesALeaseToOneOfManyWhoAskAtOnce) {
  std::atomic<int> won = 0;
  together(8, [&](int thread) {
    if (catalogue().acquire("recovery", "node-" + std::to_string(thread), std::chrono::hours(1)))
      ++won;
  });
  EXPECT_EQ(won, 1);
}

}  // namespace visor::catalogue::conformance
