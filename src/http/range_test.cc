#include "http/range.h"

#include <gtest/gtest.h>

#include <vector>

namespace visor::http {
namespace {

struct RangeCase {
  const char* range;
  std::uint64_t size;
  RangeOutcome outcome;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

TEST(ResolveRange, FollowsTheTable) {
  using enum RangeOutcome;
  const std::vector<RangeCase> cases = {
      {"bytes=0-0", 10, partial, 0, 1},
      {"bytes=0-9", 10, partial, 0, 10},
      {"bytes=2-5", 10, partial, 2, 4},
      {"bytes=5-", 10, partial, 5, 5},
      {"bytes=9-", 10, partial, 9, 1},
      {"bytes=5-99", 10, partial, 5, 5},
      {"bytes=0-99999999999999999999999", 10, partial, 0, 10},
      {"bytes=-3", 10, partial, 7, 3},
      {"bytes=-10", 10, partial, 0, 10},
      {"bytes=-11", 10, partial, 0, 10},
      {"bytes=-99999999999999999999999", 10, partial, 0, 10},
      {"Bytes=0-1", 10, partial, 0, 2},
      {"bytes= 0-1 ", 10, partial, 0, 2},
      {"bytes=007-8", 10, partial, 7, 2},
      {"bytes=10-", 10, unsatisfiable},
      {"bytes=10-11", 10, unsatisfiable},
      {"bytes=99999999999999999999999-", 10, unsatisfiable},
      {"bytes=-0", 10, unsatisfiable},
      {"bytes=0-", 0, unsatisfiable},
      {"bytes=-1", 0, unsatisfiable},
      {"bytes=5-2", 10, whole},
      {"bytes=-", 10, whole},
      {"bytes=", 10, whole},
      {"bytes", 10, whole},
      {"", 10, whole},
      {"bytes=a-b", 10, whole},
      {"bytes=1-b", 10, whole},
      {"bytes=+1-2", 10, whole},
      {"bytes=--1", 10, whole},
      {"bytes=1 - 2", 10, whole},
      {"bytes=0-1,3-4", 10, whole},
      {"bytes=0-1,", 10, whole},
      {"lines=0-1", 10, whole},
  };
  for (const RangeCase& example : cases) {
    ResolvedRange resolved;
    EXPECT_EQ(resolve_range(example.range, example.size, resolved), example.outcome)
        << example.range;
    if (example.outcome == whole) {
      EXPECT_EQ(resolved.offset, 0U);
      EXPECT_EQ(resolved.length, example.size);
    }
    if (example.outcome != partial) continue;
    EXPECT_EQ(resolved.offset, example.offset) << example.range;
    EXPECT_EQ(resolved.length, example.length) << example.range;
  }
  ResolvedRange resolved;
  EXPECT_EQ(resolve_range(std::nullopt, 10, resolved), whole);
}

TEST(ContentRange, NamesTheFirstAndTheLastByte) {
  EXPECT_EQ(content_range({5, 10}, 100), "bytes 5-14/100");
  EXPECT_EQ(unsatisfied_content_range(100), "bytes */100");
}

const Time kModified = Time(std::chrono::seconds(1339794320)) + std::chrono::microseconds(500);
constexpr const char* kModifiedText = "Fri, 15 Jun 2012 21:05:20 GMT";
constexpr const char* kBefore = "Fri, 15 Jun 2012 21:05:19 GMT";
constexpr const char* kAfter = "Fri, 15 Jun 2012 21:05:21 GMT";

struct ConditionCase {
  const char* method;
  std::vector<Field> fields;
  Condition expected;
};

TEST(EvaluateConditions, FollowsTheOrderOfTheStandard) {
  using enum Condition;
  const std::vector<ConditionCase> cases = {
      {"GET", {}, proceed},
      {"PUT", {{"If-Match", "\"e\""}}, proceed},
      {"PUT", {{"If-Match", "\"x\", \"e\""}}, proceed},
      {"PUT", {{"If-Match", "\"x\""}, {"if-match", "\"e\""}}, proceed},
      {"PUT", {{"If-Match", "*"}}, proceed},
      {"PUT", {{"If-Match", "\"x\""}}, failed},
      {"PUT", {{"If-Match", "W/\"e\""}}, failed},
      {"PUT", {{"If-Match", "e"}}, failed},
      {"GET", {{"If-Match", "\"x\""}}, failed},
      {"PUT", {{"If-Unmodified-Since", kModifiedText}}, proceed},
      {"PUT", {{"If-Unmodified-Since", kAfter}}, proceed},
      {"PUT", {{"If-Unmodified-Since", kBefore}}, failed},
      {"PUT", {{"If-Unmodified-Since", "yesterday"}}, proceed},
      {"PUT", {{"If-Match", "\"e\""}, {"If-Unmodified-Since", kBefore}}, proceed},
      {"GET", {{"If-None-Match", "\"e\""}}, not_modified},
      {"HEAD", {{"If-None-Match", "W/\"e\""}}, not_modified},
      {"GET", {{"If-None-Match", "\"a,b\", \"e\""}}, not_modified},
      {"GET", {{"If-None-Match", "*"}}, not_modified},
      {"GET", {{"If-None-Match", "\"x\""}}, proceed},
      {"GET", {{"If-None-Match", "\"x\""}, {"If-Modified-Since", kAfter}}, proceed},
      {"PUT", {{"If-None-Match", "*"}}, failed},
      {"PUT", {{"If-None-Match", "\"e\""}}, failed},
      {"GET", {{"If-Modified-Since", kModifiedText}}, not_modified},
      {"GET", {{"If-Modified-Since", kAfter}}, not_modified},
      {"GET", {{"If-Modified-Since", kBefore}}, proceed},
      {"PUT", {{"If-Modified-Since", kAfter}}, proceed},
      {"GET", {{"If-Match", "\"e\""}, {"If-None-Match", "\"e\""}}, not_modified},
  };
  for (const ConditionCase& example : cases) {
    RequestHead head;
    head.method = example.method;
    head.fields = example.fields;
    EXPECT_EQ(evaluate_conditions(head, {"\"e\"", kModified}), example.expected)
        << example.method << " " << (example.fields.empty() ? "" : example.fields[0].value);
  }
}

TEST(EvaluateConditions, IgnoresDatesOfWhatHasNone) {
  RequestHead head;
  head.method = "GET";
  head.fields = {{"If-Modified-Since", kAfter}};
  EXPECT_EQ(evaluate_conditions(head, {"\"e\"", std::nullopt}), Condition::proceed);
}

TEST(RangeApplies, OnlyUnderAStrongMatch) {
  const auto applies = [](const char* condition) {
    RequestHead head;
    head.fields = {{"If-Range", condition}};
    return range_applies(head, {"\"e\"", kModified});
  };
  EXPECT_TRUE(applies("\"e\""));
  EXPECT_FALSE(applies("\"x\""));
  EXPECT_FALSE(applies("W/\"e\""));
  EXPECT_FALSE(applies("\"e\", \"f\""));
  EXPECT_TRUE(applies(kModifiedText));
  EXPECT_FALSE(applies(kAfter));
  EXPECT_FALSE(applies("nonsense"));
  const RequestHead none;
  EXPECT_TRUE(range_applies(none, {"\"e\"", kModified}));
}

}  // namespace
}  // namespace visor::http
