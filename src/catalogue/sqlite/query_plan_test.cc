// Whatever plan the engine takes, its answer is that of the plain engine in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "catalogue/memory/memory_catalogue.h"
#include "catalogue/sqlite/sqlite_test_harness.h"

namespace visor::catalogue::conformance {

namespace {

// Random catalogues and questions, the same ones in every run.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  int below(int bound) { return static_cast<int>(engine_() % static_cast<std::uint32_t>(bound)); }
  bool one_in(int chances) { return below(chances) == 0; }

 private:
  std::mt19937 engine_;
};

// Values of very different frequency, empty and binary ones among them.
std::string some_value(Dice& dice, int spread) {
  if (dice.one_in(12)) return "";
  if (dice.one_in(20)) return std::string(1, '\0');
  if (dice.one_in(20)) return std::string(kMaxFactValue, '\xff');
  return std::to_string(std::min(dice.below(spread), dice.below(spread)));
}

const std::vector<std::string> kNames = {"common", "rare", "most have it", "few have it",
                                         "several"};

std::vector<Fact> some_facts(Dice& dice) {
  std::vector<Fact> facts;
  facts.push_back({"common", std::to_string(dice.below(2))});
  if (!dice.one_in(3)) facts.push_back({"rare", some_value(dice, 200)});
  if (!dice.one_in(40)) facts.push_back({"most have it", some_value(dice, 50)});
  if (dice.one_in(30)) facts.push_back({"few have it", some_value(dice, 5)});
  for (int i = dice.below(4); i > 0; --i) facts.push_back({"several", some_value(dice, 10)});
  for (int i = dice.below(3); i > 0; --i)
    facts.push_back({kAccessFact, "account:" + std::to_string(dice.below(40))});
  if (!dice.one_in(4)) facts.push_back({kAccessFact, "public"});
  return facts;
}

// Some are alike in their first eight bytes, most are not.
std::string some_id(Dice& dice) {
  const std::string number = std::to_string(dice.below(3000));
  return dice.one_in(10) ? "a common beginning " + number : number + "-id";
}

// Images have a time, accounts have none.
std::uint64_t some_time(Dice& dice) { return 1 + static_cast<std::uint64_t>(dice.below(500)); }
std::uint64_t some_place(Dice& dice) {
  if (dice.one_in(2)) return static_cast<std::uint64_t>(dice.below(400));
  return (std::uint64_t{1} << 62) + some_time(dice) * 1024 + 2;
}

Query some_query(Dice& dice) {
  Query query;
  query.collection = dice.one_in(10) ? "accounts" : "images";
  if (!dice.one_in(3)) {
    query.access.emplace();
    for (int i = dice.below(4); i > 0; --i)
      query.access->push_back("account:" + std::to_string(dice.below(40)));
    if (dice.one_in(2)) query.access->push_back("public");
    if (dice.one_in(25)) {
      for (int i = 0; i < 150; ++i) query.access->push_back("account:" + std::to_string(i));
    }
  }
  for (int i = dice.below(4); i > 0; --i) {
    const std::string& name =
        kNames[static_cast<std::size_t>(dice.below(static_cast<int>(kNames.size())))];
    query.filters.push_back(
        {name, name == "common" ? std::to_string(dice.below(2)) : some_value(dice, 20)});
  }
  if (!dice.one_in(3))
    query.sort = kNames[static_cast<std::size_t>(dice.below(static_cast<int>(kNames.size())))];
  if (dice.one_in(20)) query.sort = "nobody has it";
  if (dice.one_in(4)) query.sort = kNaturalOrder;
  query.direction = dice.one_in(2) ? Direction::ascending : Direction::descending;
  query.limit = dice.one_in(3) ? 1000 : static_cast<std::uint32_t>(1 + dice.below(40));
  if (dice.one_in(4))
    query.after = Query::Position{some_value(dice, 50), some_id(dice), some_place(dice)};
  return query;
}

std::string describe(const Query& query) {
  std::string text = query.collection + " sort=" + query.sort +
                     (query.direction == Direction::ascending ? " up" : " down") +
                     " limit=" + std::to_string(query.limit);
  for (const Fact& filter : query.filters) text += " " + filter.name + "=" + filter.value;
  if (query.access) {
    text += " access";
    for (const std::string& value : *query.access) text += " " + value;
  }
  if (query.after) {
    text += " after=(" + query.after->value + "," + query.after->id + "," +
            std::to_string(query.after->place) + ")";
  }
  return text;
}

class QueryPlans : public ::testing::Test {
 protected:
  void apply_to_both(const Batch& batch) {
    const auto left = sqlite_->apply(batch);
    const auto right = memory_.apply(batch);
    ASSERT_EQ(left.has_value(), right.has_value());
    if (!left) ASSERT_EQ(left.error().code, right.error().code);
  }

  // Puts, changes and removals in batches; some of them are refused by both engines.
  void fill(Dice& dice, int steps) {
    for (int step = 0; step < steps; ++step) {
      Batch batch;
      for (int i = 0; i < 20; ++i) {
        const std::string id = some_id(dice);
        const std::string collection = dice.one_in(10) ? "accounts" : "images";
        const auto stored = memory_.get(collection, id);
        const std::uint64_t revision = stored ? stored->revision : 0;
        const bool again =
            std::ranges::any_of(batch.puts,
                                [&](const Put& each) { return each.record.id == id; }) ||
            std::ranges::any_of(batch.removes, [&](const Remove& each) { return each.id == id; });
        if (again) continue;
        if (stored && dice.one_in(5)) {
          batch.removes.push_back({collection, id, revision});
        } else {
          batch.puts.push_back(
              {Record{collection, id, 0, "document of " + id, some_facts(dice)}, revision});
          if (collection == "images") batch.puts.back().came = some_time(dice);
        }
      }
      if (dice.one_in(10) && !batch.puts.empty()) ++batch.puts.back().expected;
      apply_to_both(batch);
      if (HasFatalFailure()) return;
    }
  }

  void ask_both(Query query) {
    for (int pages = 0; pages < 3; ++pages) {
      const auto left = sqlite_->find(query);
      const auto right = memory_.find(query);
      ASSERT_DONE(left) << describe(query);
      ASSERT_DONE(right);
      Ids left_ids;
      Ids right_ids;
      for (const Record& record : left->records) left_ids.push_back(record.id);
      for (const Record& record : right->records) right_ids.push_back(record.id);
      ASSERT_EQ(left_ids, right_ids) << describe(query);
      for (std::size_t i = 0; i < left->records.size(); ++i) {
        ASSERT_EQ(left->records[i].place, right->records[i].place);
        ASSERT_EQ(left->records[i].revision, right->records[i].revision);
        ASSERT_EQ(left->records[i].document, right->records[i].document);
      }
      ASSERT_EQ(left->next.has_value(), right->next.has_value()) << describe(query);
      if (!left->next) return;
      ASSERT_EQ(left->next->value, right->next->value) << describe(query);
      ASSERT_EQ(left->next->id, right->next->id) << describe(query);
      ASSERT_EQ(left->next->place, right->next->place) << describe(query);
      query.after = left->next;
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteCatalogue> sqlite_ = opened(folder_.file("catalogue.db"));
  MemoryCatalogue memory_;
};

}  // namespace

TEST_F(QueryPlans, AnswerThousandsOfRandomQueriesAsTheEngineInMemoryDoes) {
  Dice dice(20120615);
  for (int round = 0; round < 4; ++round) {
    fill(dice, 40);
    ASSERT_FALSE(HasFatalFailure());
    for (int i = 0; i < 600; ++i) {
      ask_both(some_query(dice));
      ASSERT_FALSE(HasFatalFailure());
    }
  }
  const auto left = sqlite_->changes(0, 100'000);
  const auto right = memory_.changes(0, 100'000);
  ASSERT_EQ(left->changes.size(), right->changes.size());
  for (std::size_t i = 0; i < left->changes.size(); ++i) {
    EXPECT_EQ(left->changes[i].sequence, right->changes[i].sequence);
    EXPECT_EQ(left->changes[i].id, right->changes[i].id);
    EXPECT_EQ(left->changes[i].removed, right->changes[i].removed);
  }
}

// The sorted walk gives up after a few hundred rows: here the few that match are many enough not to
// be sorted at once and lie at the far end of the order.
TEST_F(QueryPlans, AgreeWhereTheWalkIsGivenUpAndTakenUpAgain) {
  for (int part = 0; part < 6; ++part) {
    Batch batch;
    for (int i = 0; i < 500; ++i) {
      const int number = part * 500 + i;
      std::vector<Fact> facts = {{"group", number >= 2700 ? "late" : "early"},
                                 {kAccessFact, "public"}};
      if (number % 10 != 0) facts.push_back({"size", std::to_string(10'000 + number)});
      batch.puts.push_back(put("id-" + std::to_string(10'000 - number), facts));
    }
    apply_to_both(batch);
    ASSERT_FALSE(HasFatalFailure());
  }
  for (const char* group : {"late", "early"}) {
    for (const Direction direction : {Direction::ascending, Direction::descending}) {
      for (const std::uint32_t limit : {5u, 250u}) {
        Query query;
        query.collection = "images";
        query.filters = {{"group", group}};
        query.access = {{"public", "account:1"}};
        query.sort = "size";
        query.direction = direction;
        query.limit = limit;
        ask_both(query);
        ASSERT_FALSE(HasFatalFailure());
      }
    }
  }
}

}  // namespace visor::catalogue::conformance
