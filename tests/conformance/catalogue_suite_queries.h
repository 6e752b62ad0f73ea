// Conformance of a catalogue engine: find. Included by catalogue_suite.h.
#pragma once

#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

TEST_P(CatalogueSuite, FindsByAnyFactAndByAllOfThem) {
  ASSERT_DONE(store("a", {{"arch", "x86_64"}, {"colour", "red"}}));
  ASSERT_DONE(store("b", {{"arch", "x86_64"}, {"colour", "blue"}}));
  ASSERT_DONE(store("c", {{"arch", "i386"}, {"colour", "red"}}));
  EXPECT_EQ(ids(where({{"arch", "x86_64"}})), (Ids{"a", "b"}));
  EXPECT_EQ(ids(where({{"colour", "red"}})), (Ids{"a", "c"}));
  EXPECT_EQ(ids(where({{"colour", "red"}, {"arch", "x86_64"}})), Ids{"a"});
  EXPECT_EQ(ids(where({{"colour", "red"}, {"colour", "red"}})), (Ids{"a", "c"}));
  EXPECT_EQ(ids(where({{"colour", "red"}, {"colour", "blue"}})), Ids{});
  EXPECT_EQ(ids(where({{"colour", "Red"}})), Ids{}) << "values are compared bytewise";
  EXPECT_EQ(ids(where({{"size", "1"}})), Ids{});
}

TEST_P(CatalogueSuite, FindsARecordByEachOfItsValues) {
  ASSERT_DONE(store("a", {{"tag", "lts"}, {"tag", "server"}}));
  ASSERT_DONE(store("b", {{"tag", "server"}}));
  EXPECT_EQ(ids(where({{"tag", "lts"}})), Ids{"a"});
  EXPECT_EQ(ids(where({{"tag", "server"}})), (Ids{"a", "b"}));
  EXPECT_EQ(ids(where({{"tag", "server"}, {"tag", "lts"}})), Ids{"a"});
}

TEST_P(CatalogueSuite, FindsByAFactThatHadGoneWithItsLastRecordAndCameBack) {
  Query query = where({{"colour", "red"}});
  query.access = {{"public"}};
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_DONE(store(id, {{"colour", "red"}, {kAccessFact, "public"}}));
    for (const char* sort : {"", "colour", kNaturalOrder}) {
      query.sort = sort;
      EXPECT_EQ(ids(query), Ids{id});
    }
    Batch batch;
    batch.removes.push_back({"images", id, 1});
    ASSERT_DONE(catalogue().apply(batch));
    EXPECT_EQ(ids(query), Ids{});
  }
}

TEST_P(CatalogueSuite, FindsByConditionsThatNoIndexNarrows) {
  ASSERT_DONE(store("a", {{"size", "b"}, {"tag", "lts"}, {kAccessFact, "public"}}));
  ASSERT_DONE(store("b", {{"size", "d"}, {"tag", "lts"}, {"tag", "old"}, {kAccessFact, "public"}}));
  ASSERT_DONE(store("c", {{"tag", "new"}, {kAccessFact, "public"}}));
  const auto found = [this](std::vector<Condition> conditions, std::vector<Fact> filters = {}) {
    std::vector<Ids> in_each_order;
    for (const char* sort : {"", "size", kNaturalOrder}) {
      for (const bool accessed : {false, true}) {
        Query query = where(filters);
        query.conditions = conditions;
        query.sort = sort;
        if (accessed) query.access = {{"public"}};
        Ids some = ids(query);
        std::ranges::sort(some);
        in_each_order.push_back(std::move(some));
      }
    }
    for (const Ids& each : in_each_order) EXPECT_EQ(each, in_each_order.front());
    return in_each_order.front();
  };
  EXPECT_EQ(found({{"size", {{"b", "c"}}, false}}), Ids{"a"});
  EXPECT_EQ(found({{"size", {{"b", std::nullopt}}, false}}), (Ids{"a", "b"}));
  EXPECT_EQ(found({{"size", {{"b", "b"}, {"d", "d"}}, false}}), (Ids{"a", "b"}));
  EXPECT_EQ(found({{"size", {{"b", "c"}}, true}}), (Ids{"b", "c"})) << "c has no size at all";
  EXPECT_EQ(found({{"tag", {{"old", "old"}}, true}}), (Ids{"a", "c"})) << "none may be old";
  EXPECT_EQ(found({{"size", {{"a", "z"}}, false}, {"tag", {{"old", "old"}}, true}}), Ids{"a"});
  EXPECT_EQ(found({{"size", {{"c", std::nullopt}}, false}}, {{"tag", "lts"}}), Ids{"b"});
  EXPECT_EQ(found({{"colour", {{"", std::nullopt}}, false}}), Ids{}) << "no record has one";
  EXPECT_EQ(found({{"colour", {{"", std::nullopt}}, true}}), (Ids{"a", "b", "c"}));
  EXPECT_EQ(found({{"size", {}, false}}), Ids{});
}

TEST_P(CatalogueSuite, FillsPagesThroughConditions) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_DONE(store("r" + std::to_string(10 + i), {{"n", std::string(1, "ab"[i % 2])}}));
  }
  Query query = all();
  query.conditions = {{"n", {{"b", "b"}}, false}};
  query.limit = 7;
  std::size_t records = 0;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = catalogue().find(query);
    ASSERT_TRUE(page);
    records += page->records.size();
    query.after = page->next;
    EXPECT_EQ(page->next.has_value(), pages < 2);
  }
  EXPECT_EQ(records, 20U);
}

TEST_P(CatalogueSuite, TakesManyFiltersAtOnce) {
  std::vector<Fact> facts;
  for (int i = 0; i < 30; ++i) facts.push_back({"f" + std::to_string(i), "v"});
  ASSERT_DONE(store("a", facts));
  ASSERT_DONE(store("b", {facts.begin(), facts.end() - 1}));
  EXPECT_EQ(ids(where(facts)), Ids{"a"});
  Query query = where(facts);
  query.sort = "f3";
  EXPECT_EQ(ids(query), Ids{"a"});
}

TEST_P(CatalogueSuite, ShowsOnlyWhatTheAccessSetAllows) {
  ASSERT_DONE(store("a", {{kAccessFact, "public"}}));
  ASSERT_DONE(store("b", {{kAccessFact, "account:1"}}));
  ASSERT_DONE(store("c", {{kAccessFact, "account:2"}, {kAccessFact, "account:1"}, {"name", "x"}}));
  ASSERT_DONE(store("d", {{"name", "x"}}));
  auto seen = [&](std::optional<std::vector<std::string>> access, std::vector<Fact> filters = {},
                  std::string sort = {}) {
    Query query = where(std::move(filters));
    query.access = std::move(access);
    query.sort = std::move(sort);
    return ids(query);
  };
  EXPECT_EQ(seen(std::nullopt), (Ids{"a", "b", "c", "d"}));
  EXPECT_EQ(seen(std::vector<std::string>{}), Ids{});
  EXPECT_EQ(seen(std::vector<std::string>{}, {{"name", "x"}}, "name"), Ids{});
  EXPECT_EQ(seen({{"public"}}), Ids{"a"});
  EXPECT_EQ(seen({{"public", "account:1"}}), (Ids{"a", "b", "c"}));
  EXPECT_EQ(seen({{"account:1", "account:2", "account:1"}}), (Ids{"b", "c"})) << "each record once";
  EXPECT_EQ(seen({{"account:2"}}, {{"name", "x"}}), Ids{"c"});
  EXPECT_EQ(seen({{"account:3"}}, {{"name", "x"}}), Ids{});
  EXPECT_EQ(seen({{"public", "account:1"}}, {}, "name"), (Ids{"a", "b", "c"}));

  std::vector<std::string> very_many;
  for (int i = 0; i < 300; ++i) very_many.push_back("account:" + std::to_string(i));
  EXPECT_EQ(seen(very_many), (Ids{"b", "c"}));
  EXPECT_EQ(seen(very_many, {{"name", "x"}}, "name"), Ids{"c"});
}

TEST_P(CatalogueSuite, SortsByIdBothWays) {
  for (const char* id : {"b", "c", "a", "B", "aa"}) ASSERT_DONE(store(id, {}));
  EXPECT_EQ(ids(all()), (Ids{"B", "a", "aa", "b", "c"}));
  EXPECT_EQ(ids(sorted("", Direction::descending)), (Ids{"c", "b", "aa", "a", "B"}));
}

TEST_P(CatalogueSuite, SortsByAFactThenAsRecordsCame) {
  ASSERT_DONE(store("c", {{"size", "2"}}));
  ASSERT_DONE(store("b", {{"size", "1"}}));
  ASSERT_DONE(store("a", {{"size", "2"}}));
  ASSERT_DONE(store("d", {{"size", "10"}}));
  EXPECT_EQ(ids(sorted("size")), (Ids{"b", "d", "c", "a"}));
  EXPECT_EQ(ids(sorted("size", Direction::descending)), (Ids{"a", "c", "d", "b"}));
}

TEST_P(CatalogueSuite, FindsInNaturalOrderAsRecordsCame) {
  for (const char* id : {"b", "c", "a"}) {
    ASSERT_DONE(store(id, {{"kind", *id == 'c' ? "odd" : "even"}}));
  }
  EXPECT_EQ(ids(sorted(kNaturalOrder)), (Ids{"b", "c", "a"}));
  EXPECT_EQ(ids(sorted(kNaturalOrder, Direction::descending)), (Ids{"a", "c", "b"}));
  Query even = where({{"kind", "even"}});
  even.sort = kNaturalOrder;
  EXPECT_EQ(ids(even), (Ids{"b", "a"}));
}

TEST_P(CatalogueSuite, KeepsAPlaceThroughChangesAndGivesNoneTwiceAtOnce) {
  for (const char* id : {"b", "c", "a"}) ASSERT_DONE(store(id, {}));
  const auto place = [&](const char* id) { return catalogue().get("images", id)->place; };
  const std::uint64_t before = place("b");
  ASSERT_DONE(catalogue().apply(batch_of(put("b", {{"size", "1"}}, 1))));
  EXPECT_EQ(place("b"), before);
  EXPECT_LT(place("b"), place("c"));
  EXPECT_LT(place("c"), place("a"));
  Batch batch;
  batch.removes.push_back({"images", "c", 1});
  ASSERT_DONE(catalogue().apply(batch));
  ASSERT_DONE(store("c", {}));
  EXPECT_EQ(ids(sorted(kNaturalOrder)), (Ids{"b", "a", "c"}));
}

TEST_P(CatalogueSuite, OrdersRecordsByTheTimeTheyCameAt) {
  constexpr std::uint64_t kTime = 1'700'000'000'000'000;
  const auto store_at = [&](const std::string& id, std::uint64_t came) {
    Put one = put(id, {{"kind", "timed"}});
    one.came = came;
    return catalogue().apply(batch_of(std::move(one)));
  };
  ASSERT_DONE(store_at("late", kTime + 1));
  ASSERT_DONE(store_at("z at once", kTime));
  ASSERT_DONE(store_at("early", kTime - 5));
  ASSERT_DONE(store_at("a at once", kTime));
  const Ids expected{"early", "z at once", "a at once", "late"};
  EXPECT_EQ(ids(sorted(kNaturalOrder)), expected);
  Query query = where({{"kind", "timed"}});
  query.sort = kNaturalOrder;
  query.limit = 1;
  EXPECT_EQ(ids(query), expected);
  query.direction = Direction::descending;
  EXPECT_EQ(ids(query), Ids(expected.rbegin(), expected.rend()));
  EXPECT_REFUSED(Code::invalid, store_at("beyond", std::uint64_t{1} << 52));
}

TEST_P(CatalogueSuite, FindsRoomForMoreRecordsOfOneMicrosecondThanItHasPlaces) {
  constexpr std::uint64_t kTime = 5;
  Batch batch;
  Ids expected;
  for (int i = 0; i < 2'500; ++i) {
    expected.push_back("r" + std::to_string(i));
    batch.puts.push_back(put(expected.back(), {}));
    batch.puts.back().came = kTime;
  }
  ASSERT_DONE(catalogue().apply(batch));
  Put later = put("a later one", {});
  later.came = kTime + 100;
  ASSERT_DONE(catalogue().apply(batch_of(std::move(later))));
  expected.push_back("a later one");
  Query query = sorted(kNaturalOrder);
  query.limit = 1000;
  EXPECT_EQ(ids(query), expected);
}

TEST_P(CatalogueSuite, SortsRecordsWithoutTheFactAsIfItWereEmpty) {
  ASSERT_DONE(store("a", {{"size", "1"}}));
  ASSERT_DONE(store("b", {}));
  ASSERT_DONE(store("c", {{"size", ""}}));
  ASSERT_DONE(store("d", {}));
  ASSERT_DONE(store("e", {{"size", std::string(1, '\0')}}));
  for (const std::uint32_t limit : {1u, 2u, 3u, 100u}) {
    Query query = sorted("size");
    query.limit = limit;
    EXPECT_EQ(ids(query), (Ids{"b", "c", "d", "e", "a"})) << "limit " << limit;
    query.direction = Direction::descending;
    EXPECT_EQ(ids(query), (Ids{"a", "e", "d", "c", "b"})) << "limit " << limit;
  }
  EXPECT_EQ(ids(sorted("nobody has it")), (Ids{"a", "b", "c", "d", "e"}));
}

TEST_P(CatalogueSuite, SortsByTheSmallestOfSeveralValues) {
  ASSERT_DONE(store("a", {{"size", "5"}, {"size", "3"}, {"size", "9"}}));
  ASSERT_DONE(store("b", {{"size", "4"}}));
  ASSERT_DONE(store("c", {{"size", "7"}, {"size", ""}}));
  EXPECT_EQ(ids(sorted("size")), (Ids{"c", "a", "b"}));
  EXPECT_EQ(ids(sorted("size", Direction::descending)), (Ids{"b", "a", "c"}));
}

TEST_P(CatalogueSuite, RefusesALimitOutsideOneToAThousand) {
  Query query = all();
  for (const std::uint32_t limit : {0u, 1001u}) {
    query.limit = limit;
    EXPECT_REFUSED(Code::invalid, catalogue().find(query));
  }
  query.limit = 1000;
  ASSERT_DONE(catalogue().find(query));
  query.collection.clear();
  EXPECT_REFUSED(Code::invalid, catalogue().find(query));
}

TEST_P(CatalogueSuite, SaysThatMoreFollowsOnlyIfItDoes) {
  for (const char* id : {"a", "b", "c", "d"})
    ASSERT_DONE(store(id, {{"size", id}, {kAccessFact, "x"}}));
  for (const char* sort : {"", kNaturalOrder, "size"}) {
    Query query = sorted(sort);
    query.access = {{"x"}};
    query.limit = 4;
    auto whole = catalogue().find(query);
    ASSERT_DONE(whole);
    EXPECT_EQ(whole->records.size(), 4u);
    EXPECT_FALSE(whole->next.has_value());
    query.limit = 3;
    auto part = catalogue().find(query);
    ASSERT_DONE(part);
    EXPECT_EQ(part->records.size(), 3u);
    ASSERT_TRUE(part->next.has_value());
    EXPECT_EQ(part->next->id, "c");
    EXPECT_EQ(part->next->place, catalogue().get("images", "c")->place);
    EXPECT_EQ(part->next->value, std::string_view(sort) == "size" ? "c" : "");
  }
}

// Whatever the plan, pages put together are the whole, also while records come and go between them.
TEST_P(CatalogueSuite, PagesThroughEverythingOnceWhileRecordsComeAndGo) {
  std::set<std::string> before;
  for (int i = 0; i < 120; ++i) {
    const std::string id = "m" + std::to_string(1000 + i);
    std::vector<Fact> facts = {{"arch", i % 2 == 0 ? "even" : "odd"},
                               {kAccessFact, i % 3 == 0 ? "one" : "two"}};
    if (i % 5 != 0) facts.push_back({"size", std::to_string(i % 7)});
    ASSERT_DONE(store(id, facts));
    before.insert(id);
  }
  int made = 0;
  // Between two pages one record comes, in front of or behind the position, and an earlier such one
  // goes.
  auto disturb = [&] {
    auto name = [](int number) { return (number % 2 == 0 ? "a" : "z") + std::to_string(number); };
    ++made;
    ASSERT_DONE(store(name(made), {{"size", std::to_string(made % 9)}, {kAccessFact, "one"}}));
    if (made % 3 != 0) return;
    Batch batch;
    batch.removes.push_back({"images", name(made - 2), 1});
    ASSERT_DONE(catalogue().apply(batch));
  };
  for (const char* sort : {"", kNaturalOrder, "size"}) {
    for (const Direction direction : {Direction::ascending, Direction::descending}) {
      Query query = sorted(sort, direction);
      query.access = {{"one", "two"}};
      query.limit = 7;
      std::vector<std::string> found;
      for (;;) {
        auto page = catalogue().find(query);
        ASSERT_DONE(page);
        for (const Record& record : page->records) found.push_back(record.id);
        if (!page->next) break;
        query.after = page->next;
        disturb();
        if (HasFatalFailure()) return;
      }
      const std::set<std::string> distinct(found.begin(), found.end());
      EXPECT_EQ(distinct.size(), found.size()) << "a record came twice";
      EXPECT_TRUE(std::ranges::includes(distinct, before))
          << "a record that was there all the time is missing";
    }
  }
}

TEST_P(CatalogueSuite, GoesOnBehindAPositionWhoseRecordIsGone) {
  for (const char* id : {"a", "b", "c"}) ASSERT_DONE(store(id, {{"size", id}}));
  Query query = sorted("size");
  query.after = Query::Position{"bb", "never there", 7};
  EXPECT_EQ(ids(query), Ids{"c"});
  query.direction = Direction::descending;
  EXPECT_EQ(ids(query), (Ids{"b", "a"}));
  query.sort.clear();
  query.after = Query::Position{"", "bb", 0};
  EXPECT_EQ(ids(query), (Ids{"b", "a"}));
  query.direction = Direction::ascending;
  EXPECT_EQ(ids(query), Ids{"c"});
  query.sort = kNaturalOrder;
  query.after->place = catalogue().get("images", "b")->place;
  Batch batch;
  batch.removes.push_back({"images", "b", 1});
  ASSERT_DONE(catalogue().apply(batch));
  EXPECT_EQ(ids(query), Ids{"c"});
  query.direction = Direction::descending;
  EXPECT_EQ(ids(query), Ids{"a"});
}

}  // namespace visor::catalogue::conformance
