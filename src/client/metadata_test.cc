#include "client/metadata.h"

#include <gtest/gtest.h>

namespace visor::client {
namespace {

TEST(Assignment, SplitsAtTheFirstEqualsSign) {
  EXPECT_EQ(parse_assignment("name=a=b").value(), Attribute("name", "a=b"));
  EXPECT_EQ(parse_assignment("note=").value(), Attribute("note", ""));
  EXPECT_EQ(parse_assignment("name=Ubuntu 100% – größer").value().second, "Ubuntu 100% – größer");
}

TEST(Assignment, RefusesWhatIsNoAttribute) {
  for (const char* text : {"name", "=x", "na me=x", "name:=x", "name=\xff"}) {
    const auto attribute = parse_assignment(text);
    ASSERT_FALSE(attribute) << text;
    EXPECT_EQ(attribute.error().code, Code::invalid);
  }
}

TEST(Metadata, IsEncodedOnlyIfAHeaderCannotCarryIt) {
  const auto headers =
      metadata_headers({{"a", "x"}, {"b", "two\nlines"}, {"c", " x "}, {"d", "%"}});
  ASSERT_EQ(headers.size(), 5U);
  EXPECT_EQ(headers[0].value, "x");
  EXPECT_EQ(headers[1].value, "two%0Alines");
  EXPECT_EQ(headers[2].value, "%20x%20");
  EXPECT_EQ(headers[3].value, "%");
  EXPECT_EQ(headers[4].name, "x-visor-encoded");
  EXPECT_EQ(headers[4].value, "b, c");
}

TEST(Query, IsReadAsAPersonTypesIt) {
  const auto query = parse_query("name=Ubuntu 12.04&size=1+1&note=a%26b&empty=");
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(
      *query,
      (Attributes{{"name", "Ubuntu 12.04"}, {"size", "1+1"}, {"note", "a&b"}, {"empty", ""}}));
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(Query, RefusesAPartWithoutNameOrValue) {
  EXPECT_FALSE(parse_query("name"));
  EXPECT_FALSE(parse_query("=x"));
  EXPECT_FALSE(parse_query("name=100%"));
}

TEST(Query, IsEncodedSoThatTheServerReadsTheSameTexts) {
  EXPECT_EQ(write_query({{"name", "a b&c=d+é"}, {"x", ""}}), "name=a%20b%26c%3Dd%2B%C3%A9&x=");
}

TEST(Metadata, TravelsRawInRequestHeaders) {
  const auto headers = metadata_headers({{"name", "100% größer"}});
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].name, "x-image-meta-name");
  EXPECT_EQ(headers[0].value, "100% größer");
}

TEST(Metadata, DecodesOnlyWhatTheAnswerSaysIsEncoded) {
  Headers headers;
  headers.add("X-Image-Meta-name", "100%25");
  headers.add("x-image-meta-_id", "7");
  headers.add("x-image-meta-boot_note", "a%0Ab");
  headers.add("x-visor-encoded", "boot_note, other");
  headers.add("content-type", "text/plain");
  EXPECT_EQ(read_metadata(headers),
            (Attributes{{"name", "100%25"}, {"_id", "7"}, {"boot_note", "a\nb"}}));
}

TEST(Metadata, FindsAnAttributeWhateverItsCaseAndDashes) {
  const Attributes attributes{{"Created-At", "x"}};
  EXPECT_EQ(attribute(attributes, "created_at"), "x");
  EXPECT_EQ(attribute(attributes, "updated_at"), std::nullopt);
}

}  // namespace
}  // namespace visor::client
