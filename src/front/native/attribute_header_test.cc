#include "front/native/attribute_header.h"

#include <gtest/gtest.h>

#include "http/test_request.h"

namespace visor::front::native {
namespace {

using http::TestRequest;

const image::Edit* find(const RequestAttributes& read, std::string_view name) {
  for (const auto& edit : read.edits) {
    if (edit.name == name) return &edit;
  }
  return nullptr;
}

std::string refusal_of(TestRequest& request) {
  const auto read = read_attributes(request.head);
  EXPECT_FALSE(read);
  if (read) return {};
  EXPECT_EQ(read.error().code, Code::invalid);
  return read.error().message;
}

TEST(AttributeHeader, NamesAreReadWithoutCaseAndWithDashesForUnderscores) {
  TestRequest request("POST", "/images");
  request.with("X-Image-Meta-Name", "Ubuntu 12.04")
      .with("x-image-meta-os-version", "12.04")
      .with("X_IMAGE_META_DISK_BUS", "virtio")
      .with("x-other", "y");
  const auto read = read_attributes(request.head);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->any);
  ASSERT_EQ(read->edits.size(), 3u);
  EXPECT_EQ(find(*read, "name")->value, "Ubuntu 12.04");
  EXPECT_FALSE(find(*read, "name")->extra);
  EXPECT_EQ(find(*read, "os_version")->value, "12.04");
  EXPECT_TRUE(find(*read, "os_version")->extra);
  EXPECT_EQ(find(*read, "disk_bus")->value, "virtio");
}

TEST(AttributeHeader, APercentSignIsALiteralCharacter) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-note", "100%41 of ö");
  EXPECT_EQ(read_attributes(request.head)->edits.at(0).value, "100%41 of ö");
}

TEST(AttributeHeader, ValuesNamedAsEncodedAreDecoded) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-note", "two%0Alines")
      .with("x-image-meta-plain", "50%")
      .with("X-Visor-Encoded", "other , NOTE")
      .with("x-visor-encoded", "third");
  const auto read = read_attributes(request.head);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(find(*read, "note")->value, "two\nlines");
  EXPECT_EQ(find(*read, "plain")->value, "50%");
}

TEST(AttributeHeader, ABrokenEncodingIsRefusedByName) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-note", "50%").with("x-visor-encoded", "note");
  EXPECT_NE(refusal_of(request).find("note"), std::string::npos);
}

TEST(AttributeHeader, InvalidUtf8IsRefusedByName) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-note", "\xff\xfe");
  EXPECT_NE(refusal_of(request).find("note"), std::string::npos);
  TestRequest encoded("POST", "/images");
  encoded.with("x-image-meta-note", "%C0%AF").with("x-visor-encoded", "note");
  EXPECT_NE(refusal_of(encoded).find("note"), std::string::npos);
}

TEST(AttributeHeader, ARepeatedAttributeIsRefused) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-os_version", "1").with("x-image-meta-os-version", "1");
  EXPECT_NE(refusal_of(request).find("os_version"), std::string::npos);
}

TEST(AttributeHeader, WhatTheServerSetsIsRefused) {
  for (const char* name : {"x-image-meta-_id", "x-image-meta--id", "X-Image-Meta-Status",
                           "x-image-meta-checksum", "x-image-meta-created-at"}) {
    TestRequest request("PUT", "/images/x");
    request.with(name, "x");
    EXPECT_FALSE(refusal_of(request).empty()) << name;
  }
}

TEST(AttributeHeader, TheLocationIsNoEdit) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-location", "http://example.org/a%20b.iso");
  const auto read = read_attributes(request.head);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->location, "http://example.org/a%20b.iso");
  EXPECT_TRUE(read->edits.empty());
  EXPECT_TRUE(read->any);
}

TEST(AttributeHeader, AHeaderWithoutAnAttributesNameIsRefused) {
  TestRequest request("POST", "/images");
  request.with("x-image-meta-", "x");
  EXPECT_FALSE(refusal_of(request).empty());
}

TEST(AttributeHeader, ARequestWithoutAttributesSaysSo) {
  TestRequest request("PUT", "/images/x");
  request.with("x-image-metadata", "x");
  EXPECT_FALSE(read_attributes(request.head)->any);
}

TEST(AttributeHeader, AnswersKeepUnderscoresAndRawText) {
  http::Response response;
  write_attributes({{"os_version", "50% Größe", false}, {"size", "42", true}}, response);
  EXPECT_EQ(header_of(response, "x-image-meta-os_version"), "50% Größe");
  EXPECT_EQ(header_of(response, "x-image-meta-size"), "42");
  EXPECT_EQ(header_of(response, "x-visor-encoded"), "");
}

TEST(AttributeHeader, WhatAHeaderCannotCarryIsEncodedAndNamed) {
  http::Response response;
  write_attributes({{"note", "two\r\nlines 50%", false},
                    {"plain", "x", false},
                    {"padded", " x", false},
                    {"odd name", "y", false}},
                   response);
  EXPECT_EQ(header_of(response, "x-image-meta-note"), "two%0D%0Alines%2050%25");
  EXPECT_EQ(header_of(response, "x-image-meta-plain"), "x");
  EXPECT_EQ(header_of(response, "x-image-meta-padded"), "%20x");
  EXPECT_EQ(header_of(response, "x-image-meta-odd%20name"), "y");
  EXPECT_EQ(header_of(response, "x-visor-encoded"), "note, padded");
}

TEST(AttributeHeader, WhatIsWrittenIsReadBackUnchanged) {
  const std::string values[] = {"0777", "12.04", "a%20b", "two\nlines", "\ttab", "naïve ☃", "x "};
  for (const std::string& value : values) {
    http::Response response;
    write_attributes({{"note", value, false}}, response);
    TestRequest request("POST", "/images");
    for (const auto& [name, text] : response.fields) request.with(name, text);
    const auto read = read_attributes(request.head);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->edits.at(0).value, value);
  }
}

}  // namespace
}  // namespace visor::front::native
