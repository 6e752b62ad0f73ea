#include "document/value.h"

#include <gtest/gtest.h>

#include <cmath>

namespace visor::document {
namespace {

TEST(Value, KnowsItsKind) {
  EXPECT_EQ(Value().kind(), Value::Kind::null);
  EXPECT_EQ(Value(nullptr).kind(), Value::Kind::null);
  EXPECT_EQ(Value(true).kind(), Value::Kind::boolean);
  EXPECT_EQ(Value(1).kind(), Value::Kind::integer);
  EXPECT_EQ(Value(std::uint64_t{7}).kind(), Value::Kind::integer);
  EXPECT_EQ(Value(1.5).kind(), Value::Kind::number);
  EXPECT_EQ(Value("text").kind(), Value::Kind::text);
  EXPECT_EQ(Value(std::string_view("text")).kind(), Value::Kind::text);
  EXPECT_EQ(Value::array().kind(), Value::Kind::array);
  EXPECT_EQ(Value::object().kind(), Value::Kind::object);
  EXPECT_EQ(to_string(Value::Kind::object), "object");
}

TEST(Value, GivesOnlyWhatItHolds) {
  const Value text("42");
  EXPECT_FALSE(text.as_integer());
  EXPECT_FALSE(text.as_boolean());
  EXPECT_FALSE(text.as_number());
  EXPECT_EQ(text.as_array(), nullptr);
  EXPECT_EQ(text.as_object(), nullptr);
  EXPECT_EQ(*text.as_text(), "42");
  EXPECT_EQ(Value(7).as_number(), 7.0);
  EXPECT_EQ(Value(7).as_text(), nullptr);
  EXPECT_FALSE(Value(7.0).as_integer());
}

TEST(Value, KeepsWholeNumbersBeyondItsRangeAsNumbers) {
  const Value huge(std::uint64_t{18446744073709551615U});
  EXPECT_EQ(huge.kind(), Value::Kind::number);
  EXPECT_DOUBLE_EQ(*huge.as_number(), std::pow(2.0, 64));
}

TEST(Value, KeepsTheOrderOfMembers) {
  Value object;
  object.set("zebra", 1).set("ant", 2).set("zebra", 3);
  ASSERT_EQ(object.size(), 2U);
  EXPECT_EQ((*object.as_object())[0].name, "zebra");
  EXPECT_EQ(object.integer("zebra"), 3);
  EXPECT_EQ((*object.as_object())[1].name, "ant");
}

TEST(Value, FindsMembersByNameAndKind) {
  const Value object = Value::object({{"name", "cirros"}, {"size", 42}, {"public", true}});
  ASSERT_NE(object.text("name"), nullptr);
  EXPECT_EQ(*object.text("name"), "cirros");
  EXPECT_EQ(object.text("size"), nullptr);
  EXPECT_EQ(object.integer("size"), 42);
  EXPECT_FALSE(object.integer("name"));
  EXPECT_EQ(object.boolean("public"), true);
  EXPECT_FALSE(object.boolean("absent"));
  EXPECT_EQ(object.find("absent"), nullptr);
  EXPECT_EQ(Value("text").find("name"), nullptr);
}

TEST(Value, ForgetsAnErasedMember) {
  Value object = Value::object({{"a", 1}, {"b", 2}});
  EXPECT_TRUE(object.erase("a"));
  EXPECT_FALSE(object.erase("a"));
  EXPECT_EQ(object, Value::object({{"b", 2}}));
  EXPECT_FALSE(Value(1).erase("a"));
}

TEST(Value, GrowsFromNullIntoAnArrayOrAnObject) {
  Value list;
  list.push(1).push("two");
  EXPECT_EQ(list, Value::array({1, "two"}));
  Value object;
  object.append("a", 1);
  EXPECT_EQ(object, Value::object({{"a", 1}}));
}

TEST(Value, IgnoresMembersAndEntriesOnOtherKinds) {
  Value text("text");
  text.set("a", 1).push(2);
  EXPECT_EQ(text, Value("text"));
  EXPECT_EQ(text.size(), 0U);
}

TEST(Value, IsCopiedDeeply) {
  Value first = Value::object({{"list", Value::array({1})}});
  Value second = first;
  second.find("list")->push(2);
  EXPECT_EQ(first.find("list")->size(), 1U);
  EXPECT_EQ(second.find("list")->size(), 2U);
}

TEST(Value, TellsOrderAndKindApartWhenCompared) {
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_NE(Value("1"), Value(1));
  EXPECT_NE(Value::object({{"a", 1}, {"b", 2}}), Value::object({{"b", 2}, {"a", 1}}));
  EXPECT_NE(Value::array(), Value::object());
}

}  // namespace
}  // namespace visor::document
