// Conformance of a catalogue engine: leases, the history of changes, backups. Included by
// catalogue_suite.h.
#pragma once

#include <unistd.h>

#include <filesystem>

#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

using std::chrono::milliseconds;
inline constexpr milliseconds kLong = std::chrono::hours(1);

TEST_P(CatalogueSuite, GivesALeaseToOneHolderAtATime) {
  auto first = catalogue().acquire("recovery", "node-1", kLong);
  ASSERT_DONE(first);
  EXPECT_GE(first->epoch, 1u);
  EXPECT_REFUSED(Code::conflict, catalogue().acquire("recovery", "node-2", kLong));
  auto renewed = catalogue().acquire("recovery", "node-1", kLong);
  ASSERT_DONE(renewed);
  EXPECT_EQ(renewed->epoch, first->epoch) << "renewing keeps the epoch";
  ASSERT_DONE(catalogue().acquire("another lease", "node-2", kLong));

  ASSERT_DONE(catalogue().release("recovery", "node-2"));
  EXPECT_REFUSED(Code::conflict, catalogue().acquire("recovery", "node-2", kLong))
      << "not theirs to give up";
  ASSERT_DONE(catalogue().release("recovery", "node-1"));
  auto second = catalogue().acquire("recovery", "node-2", kLong);
  ASSERT_DONE(second);
  EXPECT_GT(second->epoch, first->epoch);
  ASSERT_DONE(catalogue().release("never taken", "node-1"));
}

TEST_P(CatalogueSuite, LetsALeaseRunOutByTheDatabasesClock) {
  auto first = catalogue().acquire("recovery", "node-1", milliseconds(0));
  ASSERT_DONE(first);
  auto second = catalogue().acquire("recovery", "node-2", milliseconds(20));
  ASSERT_DONE(second);
  EXPECT_GT(second->epoch, first->epoch);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Result<Lease> third = fail(Code::conflict, "not asked yet");
  while (!third && std::chrono::steady_clock::now() < give_up) {
    third = catalogue().acquire("recovery", "node-1", kLong);
  }
  ASSERT_DONE(third);
  EXPECT_GT(third->epoch, second->epoch);
}

TEST_P(CatalogueSuite, FencesOffWhoeverLostTheLease) {
  Batch batch = batch_of(put("a", {}));
  batch.leases.push_back({"recovery", 1});
  EXPECT_REFUSED(Code::conflict, catalogue().apply(batch)) << "never taken";

  auto first = catalogue().acquire("recovery", "node-1", milliseconds(0));
  ASSERT_DONE(first);
  batch.leases.front().epoch = first->epoch;
  EXPECT_REFUSED(Code::conflict, catalogue().apply(batch)) << "run out";
  auto second = catalogue().acquire("recovery", "node-2", kLong);
  ASSERT_DONE(second);
  EXPECT_REFUSED(Code::conflict, catalogue().apply(batch)) << "taken over";
  EXPECT_REFUSED(Code::not_found, catalogue().get("images", "a"));

  batch.leases.front().epoch = second->epoch;
  ASSERT_DONE(catalogue().apply(batch));
  ASSERT_DONE(catalogue().release("recovery", "node-2"));
  batch.puts.front().expected = 1;
  EXPECT_REFUSED(Code::conflict, catalogue().apply(batch)) << "given up";
  EXPECT_EQ(catalogue().get("images", "a")->revision, 1u);
}

TEST_P(CatalogueSuite, RefusesLeasesThatBreakTheRules) {
  EXPECT_REFUSED(Code::invalid, catalogue().acquire("", "node", kLong));
  EXPECT_REFUSED(Code::invalid, catalogue().acquire("recovery", "", kLong));
  EXPECT_REFUSED(Code::invalid, catalogue().acquire("recovery", "node", milliseconds(-1)));
  EXPECT_REFUSED(Code::invalid, catalogue().acquire("recovery", "node", milliseconds::max()));
}

TEST_P(CatalogueSuite, TellsWhatChangedInOrder) {
  auto nothing = catalogue().changes(0, 10);
  ASSERT_DONE(nothing);
  EXPECT_TRUE(nothing->changes.empty());
  EXPECT_FALSE(nothing->gap);
  EXPECT_EQ(nothing->last, 0u);

  ASSERT_DONE(store("a", {}));
  ASSERT_DONE(store("a", {}, 1));
  EXPECT_REFUSED(Code::precondition, store("a", {}, 1));
  Batch batch = batch_of(put("b", {}));
  batch.removes.push_back({"images", "a", 2});
  ASSERT_DONE(catalogue().apply(batch));
  ASSERT_DONE(catalogue().apply(count("bytes", 1)));

  auto changes = catalogue().changes(0, 10);
  ASSERT_DONE(changes);
  EXPECT_FALSE(changes->gap);
  ASSERT_EQ(changes->changes.size(), 4u);
  std::vector<std::string> told;
  std::uint64_t before = 0;
  for (const Change& change : changes->changes) {
    EXPECT_GT(change.sequence, before);
    before = change.sequence;
    EXPECT_EQ(change.collection, "images");
    told.push_back(change.id + std::to_string(change.revision) +
                   (change.removed ? " removed" : ""));
  }
  EXPECT_EQ(told, (std::vector<std::string>{"a1", "a2", "b1", "a2 removed"}));
  EXPECT_EQ(changes->last, before);

  auto first = catalogue().changes(0, 3);
  ASSERT_DONE(first);
  ASSERT_EQ(first->changes.size(), 3u);
  auto rest = catalogue().changes(first->last, 3);
  ASSERT_DONE(rest);
  ASSERT_EQ(rest->changes.size(), 1u);
  EXPECT_TRUE(rest->changes.front().removed);
  auto end = catalogue().changes(rest->last, 3);
  ASSERT_DONE(end);
  EXPECT_TRUE(end->changes.empty());
  EXPECT_EQ(end->last, rest->last);
  EXPECT_FALSE(end->gap);
}

TEST_P(CatalogueSuite, ReportsAGapToWhoeverFellBehindTheHistory) {
  ASSERT_DONE(store("a", {}));
  const std::uint64_t early = catalogue().changes(0, 1)->last;
  for (std::uint64_t revision = 1; revision <= 3 * kHistoryRows; ++revision)
    ASSERT_DONE(store("a", {}, revision));

  auto late = catalogue().changes(early, 1000);
  ASSERT_DONE(late);
  EXPECT_TRUE(late->gap);
  ASSERT_FALSE(late->changes.empty());
  EXPECT_GE(late->changes.size(), kHistoryRows);
  EXPECT_LE(late->changes.size(), kHistoryRows + kHistoryRows / 8) << "the history is bounded";
  EXPECT_EQ(late->changes.back().revision, 3 * kHistoryRows + 1);
  EXPECT_EQ(late->last, late->changes.back().sequence);

  auto in_time = catalogue().changes(late->changes.front().sequence, 1000);
  ASSERT_DONE(in_time);
  EXPECT_FALSE(in_time->gap);
  EXPECT_EQ(in_time->changes.size(), late->changes.size() - 1);
}

TEST_P(CatalogueSuite, ReportsAGapToWhoeverIsAheadOfTheHistory) {
  ASSERT_DONE(store("a", {}));
  auto changes = catalogue().changes(1'000'000, 10);
  ASSERT_DONE(changes);
  EXPECT_TRUE(changes->gap) << "as after the restore of an older backup";
  EXPECT_TRUE(changes->changes.empty());
  EXPECT_EQ(changes->last, 1u);
}

TEST_P(CatalogueSuite, BacksUpToANewFileOrSaysThatItCannot) {
  std::string folder = (std::filesystem::temp_directory_path() / "visor-suite-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/backup";
  ASSERT_DONE(store("a", {}));
  auto backup = catalogue().backup(path);
  if (backup) {
    EXPECT_FALSE(std::filesystem::is_empty(path));
    EXPECT_REFUSED(Code::conflict, catalogue().backup(path));
  } else {
    EXPECT_EQ(backup.error().code, Code::unsupported);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace visor::catalogue::conformance
