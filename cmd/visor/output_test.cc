#include "output.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::command {
namespace {

document::Value parsed(std::string_view text) { return document::parse_json(text).value(); }

TEST(Printable, LeavesTextAloneAndShowsWhatCouldSteerATerminal) {
  EXPECT_EQ(printable("Größe 100% 像"), "Größe 100% 像");
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a\\x1b[2Jb\\x0ac\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "txt"),
            "\\xe2\\x80\\xaetxt");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("größe"), 5U);
  EXPECT_EQ(display_width("像像"), 4U);
  EXPECT_EQ(display_width("e\xcc\x81"), 1U);
  EXPECT_EQ(display_width("\xff"), 1U);
}

TEST(Table, AlignsColumnsWhateverTheTextIsMadeOf) {
  EXPECT_EQ(
      format_table({{"NAME"}, {"SIZE", Align::right}}, {{"größe", "1"}, {"像", "100"}}, false),
      "NAME   SIZE\n"
      "größe     1\n"
      "像      100\n");
}

TEST(Table, HasNoBlanksAtTheEndsOfLines) {
  EXPECT_EQ(format_table({{"A"}, {"B"}}, {{"1", ""}, {"longer", "2"}}, false),
            "A       B\n1\nlonger  2\n");
}

TEST(Table, SetsTitlesOffIfAsked) {
  EXPECT_EQ(format_table({{"A"}}, {}, true), "\x1b[1mA\x1b[0m\n");
}

TEST(Brief, ShowsReadableSizesAndDashesForWhatIsUndefined) {
  EXPECT_EQ(format_brief(parsed(R"({"images": [{"_id": "7", "name": "n", "architecture": "i386",
                                    "format": "iso", "store": "file", "size": 16777216},
                                   {"_id": "8", "name": "m", "architecture": "i386"}]})"),
                         false),
            "ID  NAME  ARCHITECTURE  TYPE  FORMAT  STORE    SIZE\n"
            "7   n     i386          -     iso     file   16 MiB\n"
            "8   m     i386          -     -       -           -\n");
}

TEST(Detail, ShowsOneBlockAnImage) {
  EXPECT_EQ(format_detail(parsed(R"({"images": [{"_id": "7", "size": 2048, "boot": true},
                                                {"_id": "8", "note": "two\nlines"}]})")),
            "_id   7\nsize  2048 (2 KiB)\nboot  true\n"
            "\n"
            "_id   8\nnote  two\\x0alines\n");
}

TEST(Attributes, LeaveUndefinedOnesOut) {
  EXPECT_EQ(format_attributes({{"a", "1"}, {"much_longer", ""}, {"bc", "2"}}), "a   1\nbc  2\n");
}

TEST(Users, ShowTheirRoleAndNoSecret) {
  const std::string table = format_users(
      parsed(R"({"users": [{"access_key": "alice", "email": "a@example.org", "administrator": true,
                            "enabled": true, "may_refer": false, "quota_bytes": 1073741824,
                            "secret_key": "hidden"}]})"),
      false);
  EXPECT_TRUE(
      table.contains("alice       a@example.org  administrator  true     false       1 GiB"))
      << table;
  EXPECT_FALSE(table.contains("hidden"));
}

}  // namespace
}  // namespace visor::command
