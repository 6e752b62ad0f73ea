#include "http/message.h"

#include <gtest/gtest.h>

#include <string>

namespace visor::http {
namespace {

TEST(PreparedFields, StandAsOnTheWire) {
  std::string lines;
  append_field(lines, "Content-Type", "application/json");
  append_field(lines, "ETag", "\"a\"");
  EXPECT_EQ(lines, "Content-Type: application/json\r\nETag: \"a\"\r\n");
}

TEST(PreparedFields, NeverEndTheirLineWithAValueOrBeginAnother) {
  std::string lines;
  append_field(lines, "x-image-meta-name", "a\r\nSet-Cookie: b\x01");
  EXPECT_EQ(lines, "x-image-meta-name: a  Set-Cookie: b \r\n");
  append_field(lines, "bad name", "x");
  append_field(lines, "bad\r\nname", "x");
  append_field(lines, "", "x");
  EXPECT_EQ(lines, "x-image-meta-name: a  Set-Cookie: b \r\n");
}

TEST(PreparedFields, BelongToAnAnswerWhoseBodyTheyBring) {
  Response response;
  response.text = "own";
  EXPECT_EQ(response.body_text(), "own");
  response.prepared = std::make_shared<const PreparedAnswer>(PreparedAnswer{"", "prepared"});
  EXPECT_EQ(response.body_text(), "prepared");
}

}  // namespace
}  // namespace visor::http
