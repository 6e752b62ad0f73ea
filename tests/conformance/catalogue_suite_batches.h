// Conformance of a catalogue engine: records, revisions, counters, atomicity. Included by
// catalogue_suite.h.
#pragma once

#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

TEST_P(CatalogueSuite, GivesBackWhatWasPut) {
  const std::vector<Fact> facts = {{"name", "ubuntu"}, {"arch", "x86_64"}, {"arch", "i386"}};
  Put original = put("a", facts, 0, "{\"name\":\"ubuntu\"}");
  ASSERT_DONE(catalogue().apply(batch_of(original)));

  auto record = catalogue().get("images", "a");
  ASSERT_DONE(record);
  EXPECT_EQ(record->collection, "images");
  EXPECT_EQ(record->id, "a");
  EXPECT_EQ(record->revision, 1u);
  EXPECT_EQ(record->document, original.record.document);
  EXPECT_EQ(record->facts, facts);
}

TEST_P(CatalogueSuite, KnowsNothingOfWhatWasNeverPut) {
  ASSERT_DONE(store("a", {}));
  EXPECT_REFUSED(Code::not_found, catalogue().get("images", "b"));
  EXPECT_REFUSED(Code::not_found, catalogue().get("accounts", "a"));
  EXPECT_REFUSED(Code::not_found, catalogue().get("", ""));
}

TEST_P(CatalogueSuite, CountsRevisionsOneByOne) {
  for (std::uint64_t expected = 0; expected < 5; ++expected) {
    ASSERT_DONE(store("a", {{"step", std::to_string(expected)}}, expected));
    auto record = catalogue().get("images", "a");
    ASSERT_DONE(record);
    EXPECT_EQ(record->revision, expected + 1);
  }
  EXPECT_EQ(ids(where({{"step", "4"}})), Ids{"a"});
  EXPECT_EQ(ids(where({{"step", "3"}})), Ids{}) << "facts are replaced as a whole";
}

TEST_P(CatalogueSuite, RefusesAWrongRevisionAndChangesNothing) {
  ASSERT_DONE(catalogue().apply(batch_of(put("a", {{"state", "old"}}, 0, "old"))));
  EXPECT_REFUSED(Code::precondition, store("a", {{"state", "new"}}, 0));
  EXPECT_REFUSED(Code::precondition, store("a", {{"state", "new"}}, 2));
  EXPECT_REFUSED(Code::precondition, store("b", {{"state", "new"}}, 1));

  auto record = catalogue().get("images", "a");
  ASSERT_DONE(record);
  EXPECT_EQ(record->revision, 1u);
  EXPECT_EQ(record->document, "old");
  EXPECT_EQ(ids(where({{"state", "new"}})), Ids{});
  EXPECT_REFUSED(Code::not_found, catalogue().get("images", "b"));
}

TEST_P(CatalogueSuite, RemovesARecordWithAllItsFacts) {
  ASSERT_DONE(store("a", {{"name", "x"}, {kAccessFact, "public"}}));
  Batch batch;
  batch.removes.push_back({"images", "a", 2});
  EXPECT_REFUSED(Code::precondition, catalogue().apply(batch));
  batch.removes.front().expected = 1;
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_REFUSED(Code::not_found, catalogue().get("images", "a"));
  EXPECT_EQ(ids(where({{"name", "x"}})), Ids{});
  EXPECT_EQ(ids(sorted("name")), Ids{});
  EXPECT_REFUSED(Code::precondition, catalogue().apply(batch)) << "it is gone";
}

TEST_P(CatalogueSuite, StartsAgainAtRevisionOneAfterARemoval) {
  ASSERT_DONE(store("a", {}));
  ASSERT_DONE(store("a", {}, 1));
  Batch batch;
  batch.removes.push_back({"images", "a", 2});
  ASSERT_DONE(catalogue().apply(batch));
  ASSERT_DONE(store("a", {{"name", "second"}}));
  EXPECT_EQ(catalogue().get("images", "a")->revision, 1u);
  EXPECT_EQ(ids(where({{"name", "second"}})), Ids{"a"});
}

TEST_P(CatalogueSuite, GoesOnBehindTheRevisionThatAnIdOnceHad) {
  Put again = put("a", {{"name", "x"}});
  again.continues = 41;
  Batch batch;
  batch.puts.push_back(again);
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_EQ(catalogue().get("images", "a")->revision, 42u);
  EXPECT_EQ(catalogue().changes(0, 10)->changes.back().revision, 42u);
  EXPECT_REFUSED(Code::precondition, catalogue().apply(batch)) << "it is there already";
  ASSERT_DONE(store("a", {{"name", "y"}}, 42));
  EXPECT_EQ(catalogue().get("images", "a")->revision, 43u);
}

TEST_P(CatalogueSuite, KeepsCollectionsApart) {
  ASSERT_DONE(store("a", {{"name", "x"}}));
  Batch batch = batch_of(put("a", {{"name", "x"}}, 0, "account"));
  batch.puts.front().record.collection = "accounts";
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_EQ(catalogue().get("images", "a")->document, "{}");
  EXPECT_EQ(catalogue().get("accounts", "a")->document, "account");
  Query query = where({{"name", "x"}});
  query.collection = "accounts";
  auto page = catalogue().find(query);
  ASSERT_DONE(page);
  ASSERT_EQ(page->records.size(), 1u);
  EXPECT_EQ(page->records.front().document, "account");
}

TEST_P(CatalogueSuite, AppliesABatchWholeOrNotAtAll) {
  ASSERT_DONE(store("a", {{"state", "old"}}));
  ASSERT_DONE(store("b", {{"state", "old"}}));
  ASSERT_DONE(catalogue().apply(count("bytes", 10)));

  Batch batch;
  batch.puts = {put("a", {{"state", "new"}}, 1), put("c", {{"state", "new"}}, 0)};
  batch.removes = {{"images", "b", 1}};
  batch.counters = {{"bytes", 5, {}}, {"images", 1, 0}};  // the last one is over its limit
  EXPECT_REFUSED(Code::quota, catalogue().apply(batch));
  EXPECT_EQ(ids(where({{"state", "old"}})), (Ids{"a", "b"}));
  EXPECT_EQ(ids(where({{"state", "new"}})), Ids{});
  EXPECT_EQ(*catalogue().counter("bytes"), 10);

  batch.counters.back().limit = 1;
  batch.puts.push_back(put("d", {}, 7));  // a wrong revision behind good ones
  EXPECT_REFUSED(Code::precondition, catalogue().apply(batch));
  EXPECT_EQ(ids(where({{"state", "old"}})), (Ids{"a", "b"}));
  EXPECT_EQ(*catalogue().counter("images"), 0);

  batch.puts.pop_back();
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_EQ(ids(where({{"state", "new"}})), (Ids{"a", "c"}));
  EXPECT_REFUSED(Code::not_found, catalogue().get("images", "b"));
  EXPECT_EQ(*catalogue().counter("bytes"), 15);
  EXPECT_EQ(*catalogue().counter("images"), 1);
}

TEST_P(CatalogueSuite, HoldsCountersBetweenZeroAndTheirLimit) {
  EXPECT_EQ(*catalogue().counter("bytes"), 0);
  ASSERT_DONE(catalogue().apply(count("bytes", 100, 100)));
  auto refused = catalogue().apply(count("bytes", 1, 100));
  EXPECT_REFUSED(Code::quota, refused);
  EXPECT_EQ(refused.error().where, "bytes");
  EXPECT_REFUSED(Code::internal, catalogue().apply(count("bytes", -101)));
  EXPECT_REFUSED(Code::internal, catalogue().apply(count("never touched", -1)));
  EXPECT_REFUSED(Code::quota, catalogue().apply(count("bytes", INT64_MAX)))
      << "beyond what can be counted";
  EXPECT_EQ(*catalogue().counter("bytes"), 100);
  ASSERT_DONE(catalogue().apply(count("bytes", -100)));
  EXPECT_EQ(*catalogue().counter("bytes"), 0);
}

TEST_P(CatalogueSuite, LetsACounterOverALoweredLimitOnlyShrink) {
  ASSERT_DONE(catalogue().apply(count("bytes", 100)));
  EXPECT_REFUSED(Code::quota, catalogue().apply(count("bytes", 1, 50)));
  ASSERT_DONE(catalogue().apply(count("bytes", -10, 50)));
  EXPECT_EQ(*catalogue().counter("bytes"), 90);
}

TEST_P(CatalogueSuite, AddsUpSeveralChangesOfOneCounterInABatch) {
  Batch batch;
  batch.counters = {{"bytes", 60, 100}, {"bytes", 60, 100}};
  EXPECT_REFUSED(Code::quota, catalogue().apply(batch));
  EXPECT_EQ(*catalogue().counter("bytes"), 0);
  batch.counters = {{"bytes", 60, 100}, {"bytes", -30, {}}, {"bytes", 60, 100}};
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_EQ(*catalogue().counter("bytes"), 90);
}

TEST_P(CatalogueSuite, RefusesBatchesThatBreakTheRules) {
  EXPECT_REFUSED(Code::invalid, store("", {}));
  EXPECT_REFUSED(Code::invalid, store(std::string(kMaxName + 1, 'i'), {}));
  EXPECT_REFUSED(Code::invalid, store("a", {{"", "nameless"}}));
  EXPECT_REFUSED(Code::invalid, store("a", {{"long", std::string(kMaxFactValue + 1, 'v')}}));
  Batch twice;
  twice.puts = {put("a", {}), put("a", {}, 1)};
  EXPECT_REFUSED(Code::invalid, catalogue().apply(twice));
  Batch put_and_removed;
  put_and_removed.puts = {put("a", {})};
  put_and_removed.removes = {{"images", "a", 1}};
  EXPECT_REFUSED(Code::invalid, catalogue().apply(put_and_removed));
  Batch nothing;
  nothing.removes = {{"images", "a", 0}};
  EXPECT_REFUSED(Code::invalid, catalogue().apply(nothing));
  EXPECT_EQ(ids(all()), Ids{});
  ASSERT_DONE(catalogue().apply(Batch{}));
}

TEST_P(CatalogueSuite, KeepsEveryByteOfBinaryAndLongValues) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const std::string large(3 * 1024 * 1024, '\x01');
  ASSERT_DONE(catalogue().apply(batch_of(
      put(every_byte, {{every_byte, every_byte}, {"empty", ""}, {"zero", std::string(1, '\0')}}, 0,
          every_byte))));
  ASSERT_DONE(catalogue().apply(batch_of(put("large", {}, 0, large))));
  ASSERT_DONE(catalogue().apply(batch_of(put("empty", {}, 0, ""))));

  auto record = catalogue().get("images", every_byte);
  ASSERT_DONE(record);
  EXPECT_EQ(record->document, every_byte);
  EXPECT_EQ(record->facts.front(), (Fact{every_byte, every_byte}));
  EXPECT_EQ(catalogue().get("images", "large")->document, large);
  EXPECT_EQ(catalogue().get("images", "empty")->document, "");
  EXPECT_EQ(ids(where({{every_byte, every_byte}})), Ids{every_byte});
  EXPECT_EQ(ids(where({{"empty", ""}})), Ids{every_byte});
  EXPECT_EQ(ids(where({{"zero", ""}})), Ids{});
  EXPECT_EQ(ids(where({{"empty", std::string(1000, 'x')}})), Ids{})
      << "longer than any stored value";
}

TEST_P(CatalogueSuite, KeepsFactsInOrderAndWithRepetitions) {
  const std::vector<Fact> facts = {{"b", "2"}, {"a", "1"}, {"b", "2"}, {"b", "1"}};
  ASSERT_DONE(store("a", facts));
  EXPECT_EQ(catalogue().get("images", "a")->facts, facts);
  EXPECT_EQ(ids(where({{"b", "2"}})), Ids{"a"});
  EXPECT_EQ(ids(sorted("b")), Ids{"a"});
  ASSERT_DONE(store("a", {{"b", "2"}}, 1));
  EXPECT_EQ(ids(where({{"b", "2"}})), Ids{"a"});
  EXPECT_EQ(ids(where({{"b", "1"}})), Ids{});
}

}  // namespace visor::catalogue::conformance
