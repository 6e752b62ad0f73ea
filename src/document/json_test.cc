#include "document/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/encoding.h"

namespace visor::document {
namespace {

Value read(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? std::move(*value) : Value("(unreadable)");
}

std::string refusal(std::string_view text, Limits limits = {}) {
  const auto value = parse_json(text, limits);
  EXPECT_FALSE(value) << text.substr(0, 100);
  return value ? "" : value.error().message;
}

TEST(JsonReading, BuildsTheTreeInOrder) {
  const Value tree = read(R"( {"image": {"name": "cirros", "size": 42, "tags": ["a", null, true],
                               "ratio": 1.5, "empty": {}, "none": []}} )");
  EXPECT_EQ(tree,
            Value::object({{"image", Value::object({{"name", "cirros"},
                                                    {"size", 42},
                                                    {"tags", Value::array({"a", nullptr, true})},
                                                    {"ratio", 1.5},
                                                    {"empty", Value::object()},
                                                    {"none", Value::array()}})}}));
}

TEST(JsonReading, TakesAnyKindAtTheTop) {
  EXPECT_EQ(read("null"), Value());
  EXPECT_EQ(read("-7"), Value(-7));
  EXPECT_EQ(read("\"x\""), Value("x"));
  EXPECT_EQ(read("[]"), Value::array());
  EXPECT_EQ(read(" false "), Value(false));
}

TEST(JsonReading, UnderstandsEveryEscape) {
  EXPECT_EQ(read(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00")"),
            Value("\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_EQ(read(R"("a\u0000b")"), Value(std::string("a\0b", 3)));
  EXPECT_EQ(read("{\"\\u0061\": 1}"), Value::object({{"a", 1}}));
}

TEST(JsonReading, KeepsWholeNumbersExactUpToTheBorder) {
  EXPECT_EQ(read("9223372036854775807"), Value(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(read("-9223372036854775808"), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(read("0").kind(), Value::Kind::integer);
  EXPECT_EQ(read("1e3"), Value(1000.0));
}

TEST(JsonReading, RefusesNumbersOutOfRange) {
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400", "-1e400",
        "123456789012345678901234567890", "1e99999999999999999999"}) {
    EXPECT_NE(refusal(text).find("too large"), std::string::npos) << text << refusal(text);
  }
}

TEST(JsonReading, ReadsDecimalsToTheLastPlace) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 8.41e21,
                              9007199254740993.0, -0.000123456789012345, 2.2250738585072011e-308}) {
    EXPECT_EQ(read(write_json(Value(number))), Value(number));
  }
  EXPECT_EQ(read("1e-999"), Value(0.0));
}

TEST(JsonReading, RefusesANameThatComesTwice) {
  EXPECT_NE(refusal(R"({"a":1,"b":2,"a":3})").find("the name \"a\" comes twice"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a":1,"\u0061":3})").find("comes twice"), std::string::npos);
  EXPECT_NE(refusal(R"([{"x":{"b":1,"b":1}}])").find("comes twice"), std::string::npos);
  EXPECT_EQ(read(R"([{"a":1},{"a":2,"b":{"a":3}}])").size(), 2U);
}

TEST(JsonReading, RefusesANameThatComesTwiceAmongManyInGoodTime) {
  std::string text = "{";
  for (int i = 0; i < 90000; ++i) text += "\"n" + std::to_string(i) + "\":1,";
  EXPECT_EQ(read(text + "\"last\":1}").size(), 90001U);
  EXPECT_NE(refusal(text + "\"n0\":1}").find("\"n0\" comes twice"), std::string::npos);
  EXPECT_NE(refusal(text + "\"n89999\":1}").find("\"n89999\" comes twice"), std::string::npos);
}

TEST(JsonReading, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "\"",
                           "nul",
                           "nulll",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "[1 2]",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "// comment\n1",
                           "/**/1",
                           "1 2",
                           "{}{}",
                           "[1]]",
                           "\"\n\"",
                           "\"\t\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{1:2}",
                           "[,1]",
                           "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(JsonReading, RefusesBytesThatAreNotUtf8) {
  EXPECT_NE(refusal("[\"ab\xff\"]").find("byte 4"), std::string::npos);
  EXPECT_FALSE(parse_json("\"\xc0\x80\""));
  EXPECT_FALSE(parse_json("\"\xed\xa0\x80\""));
  EXPECT_FALSE(parse_json(std::string_view("[1]\0", 4)));
}

TEST(JsonReading, TellsThePlaceOfAFault) {
  EXPECT_NE(refusal("{\n  \"a\": 1,\n  b\n}").find("line 3, column 3 (byte 14)"), std::string::npos)
      << refusal("{\n  \"a\": 1,\n  b\n}");
  EXPECT_NE(refusal("[1,2").find("it ends too early"), std::string::npos);
  EXPECT_NE(refusal("[1,2] x").find("(byte 6)"), std::string::npos) << refusal("[1,2] x");
}

TEST(JsonReading, ShowsNoControlCharacterInItsMessages) {
  const std::string message = refusal(R"({"a\n\u001b[31m":1,"a\n\u001b[31m":2})");
  for (const char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(JsonReading, StopsAtTheDepthLimit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(32)));
  EXPECT_NE(refusal(nested(33)).find("32 levels"), std::string::npos) << refusal(nested(33));
  EXPECT_TRUE(parse_json(nested(33), {.depth = 33}));
}

TEST(JsonReading, SurvivesAHundredThousandBrackets) {
  const std::string brackets(100000, '[');
  EXPECT_NE(refusal(brackets).find("levels deep"), std::string::npos);
  std::string braces;
  for (int i = 0; i < 100000; ++i) braces += "{\"a\":";
  EXPECT_NE(refusal(braces).find("levels deep"), std::string::npos);
  EXPECT_FALSE(parse_json(std::string(100000, ']')));
}

TEST(JsonReading, StopsAtTheSizeLimits) {
  const std::string text = "[1,2,3,4]";
  EXPECT_TRUE(parse_json(text, {.bytes = text.size()}));
  const auto large = parse_json(text, {.bytes = text.size() - 1});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
  EXPECT_TRUE(parse_json(text, {.values = 5}));
  const auto many = parse_json(text, {.values = 4});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Code::too_large);
  EXPECT_FALSE(parse_json("\"" + std::string(1024 * 1024, 'x') + "\""));
}

TEST(JsonReading, RefusesATextCutAnywhere) {
  const std::string text =
      R"({"image":{"name":"c\u00e9\ud83d\ude00","n":-1.5e3,"l":[true,false,null,{}]}})";
  ASSERT_TRUE(parse_json(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_json(std::string_view(text).substr(0, i))) << i;
  }
}

TEST(JsonWriting, IsCompactAndInOrder) {
  EXPECT_EQ(write_json(Value::object({{"b", Value::array({1, -2, true, nullptr})},
                                      {"a", Value::object({{"x", "y"}})},
                                      {"e", Value::array()},
                                      {"o", Value::object()}})),
            R"({"b":[1,-2,true,null],"a":{"x":"y"},"e":[],"o":{}})");
}

TEST(JsonWriting, IsIndentedWhenPretty) {
  EXPECT_EQ(write_json_pretty(Value::object({{"a", Value::array({1, 2})}, {"b", Value::object()}})),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n");
}

TEST(JsonWriting, EscapesWhatMustBe) {
  EXPECT_EQ(write_json(Value(std::string("\"\\/\b\n\r\t\x01\x7f\0\xc3\xa9", 12))),
            "\"\\\"\\\\/\\u0008\\n\\r\\t\\u0001\\u007f\\u0000\xc3\xa9\"");
  EXPECT_EQ(write_json(Value::object({{"\n", 1}})), R"({"\n":1})");
}

TEST(JsonWriting, RepairsStrayBytesAndNumbersThatAreNone) {
  EXPECT_EQ(write_json(Value("a\xffz")), "\"a\xef\xbf\xbdz\"");
  EXPECT_EQ(write_json(Value(std::nan(""))), "null");
  EXPECT_EQ(write_json(Value(std::numeric_limits<double>::infinity())), "null");
}

TEST(JsonWriting, KeepsNumbersApartFromWholeNumbers) {
  EXPECT_EQ(write_json(Value(1.0)), "1.0");
  EXPECT_EQ(write_json(Value(1e22)), "1e+22");
  EXPECT_EQ(write_json(Value(-0.5)), "-0.5");
  EXPECT_EQ(read("1.0").kind(), Value::Kind::number);
}

TEST(JsonWriting, IsReadBackWhateverTheBytes) {
  std::string every;
  for (int i = 0; i < 128; ++i) every += static_cast<char>(i);
  const Value value = Value::object({{every, every}});
  EXPECT_EQ(read(write_json(value)), value);
  EXPECT_EQ(read(write_json_pretty(value)), value);
}

TEST(JsonWriting, AppendsForStreams) {
  std::string out = "[";
  append_json(out, Value(1));
  out += ',';
  append_json_string(out, "a\"b");
  out += ']';
  EXPECT_EQ(out, R"([1,"a\"b"])");
}

}  // namespace
}  // namespace visor::document
