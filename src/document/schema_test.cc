#include "document/schema.h"

#include <gtest/gtest.h>

#include <string>

#include "document/json.h"

namespace visor::document {
namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : Value();
}

/// What is said of a document that does not keep to the schema; empty if it does.
std::string complaint(std::string_view schema, std::string_view text) {
  const auto checked = check_schema(json(schema), json(text));
  if (checked) return {};
  EXPECT_EQ(checked.error().code, Code::invalid);
  return checked.error().message;
}

TEST(Schema, WithoutWordsTakesEverything) {
  for (const auto* text : {"null", "1", "\"x\"", "[1, {}]", "{\"a\": 1}"}) {
    EXPECT_EQ(complaint("{}", text), "") << text;
  }
}

TEST(Schema, KnowsTheTypesOfJson) {
  EXPECT_EQ(complaint(R"({"type": "integer"})", "1"), "");
  EXPECT_EQ(complaint(R"({"type": "number"})", "1"), "");
  EXPECT_EQ(complaint(R"({"type": ["null", "string"]})", "null"), "");
  EXPECT_EQ(complaint(R"({"type": "integer"})", "1.5"),
            R"(the document must be of the type "integer")");
  EXPECT_EQ(complaint(R"({"type": ["null", "string"]})", "[]"),
            R"(the document must be of the type "null", "string")");
}

TEST(Schema, SaysWhereADocumentIsWrong) {
  const auto* const schema = R"({"properties": {"disks": {"type": "array", "items":
      {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}}}}})";
  EXPECT_EQ(complaint(schema, R"({"disks": [{"size": 1}, {"size": 0}]})"),
            R"("disks"[1] / "size" must be at least 1)");
}

TEST(Schema, BoundsNumbersTextsAndArrays) {
  EXPECT_EQ(complaint(R"({"minimum": -1, "maximum": 2.5})", "2.5"), "");
  EXPECT_EQ(complaint(R"({"maximum": 2.5})", "3"), "the document must be at most 2.5");
  EXPECT_EQ(complaint(R"({"minLength": 1})", R"("")"),
            "the document must have at least 1 characters");
  EXPECT_EQ(complaint(R"({"maxLength": 2})", R"("äöü")"),
            "the document must have at most 2 characters");
  EXPECT_EQ(complaint(R"({"maxLength": 3})", R"("äöü")"), "");
  EXPECT_EQ(complaint(R"({"minItems": 1})", "[]"), "the document must have at least 1 entries");
  EXPECT_EQ(complaint(R"({"maxItems": 1})", "[1, 2]"), "the document must have at most 1 entries");
  EXPECT_EQ(complaint(R"({"uniqueItems": true})", R"(["a", "b", "a"])"),
            R"(the document has the entry "a" twice)");
}

TEST(Schema, TakesOneOfAFewValues) {
  EXPECT_EQ(complaint(R"({"enum": [null, "raw"]})", "null"), "");
  EXPECT_EQ(complaint(R"({"enum": [null, "raw"]})", R"("RAW")"),
            R"(the document must be one of null, "raw")");
}

TEST(Schema, KnowsWhichMembersThereAre) {
  const auto* const schema = R"({"type": "object", "required": ["name"],
      "properties": {"name": {"type": "string"}}, "additionalProperties": false})";
  EXPECT_EQ(complaint(schema, R"({"name": "a"})"), "");
  EXPECT_EQ(complaint(schema, "{}"), R"(the document must have the member "name")");
  EXPECT_EQ(complaint(schema, R"({"name": "a", "nmae": "b"})"),
            R"(the document has the member "nmae", which is not known)");
  const auto* const free = R"({"additionalProperties": {"type": "string"}})";
  EXPECT_EQ(complaint(free, R"({"a": "b"})"), "");
  EXPECT_EQ(complaint(free, R"({"a": 1})"), R"("a" must be of the type "string")");
}

TEST(Schema, FollowsReferencesToItsDefinitions) {
  const auto* const schema = R"({"definitions": {"tree": {"type": "object",
      "additionalProperties": {"$ref": "#/definitions/tree"}}}, "$ref": "#/definitions/tree"})";
  EXPECT_EQ(complaint(schema, R"({"a": {"b": {}}})"), "");
  EXPECT_EQ(complaint(schema, R"({"a": {"b": 1}})"), R"("a" / "b" must be of the type "object")");
}

TEST(Schema, ShowsNothingOfAnEndlessName) {
  const std::string document = "{\"" + std::string(10'000, 'x') + "\": 1}";
  EXPECT_LT(complaint(R"({"additionalProperties": false})", document).size(), 200u);
}

}  // namespace
}  // namespace visor::document
