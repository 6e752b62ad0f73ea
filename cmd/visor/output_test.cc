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

TEST(Marker, IsTakenOutOfAPathIfNextIsOne) {
  EXPECT_EQ(marker_in("7583d669"), "7583d669");
  EXPECT_EQ(marker_in("/placements?limit=2&marker=7583%2Fd669"), "7583/d669");
  EXPECT_EQ(marker_in("/placements?limit=2"), "/placements?limit=2");
}

TEST(Stores, ShowWhatTheyAreGoodFor) {
  EXPECT_EQ(format_stores(parsed(R"({"stores": [
              {"name": "local", "default": true, "writable": true, "references": "nobody"},
              {"name": "http", "default": false, "writable": false,
               "references": "privileged"}]})"),
                          false),
            "STORE  DEFAULT  WRITABLE  REFERENCES\n"
            "local  yes      yes       nobody\n"
            "http   no       no        privileged\n");
}

TEST(Checks, ShowWhyAStoreFailedAndThatOnlyWhatWasNotDoneTakesNoTime) {
  EXPECT_EQ(format_checks(parsed(R"({"checks": [
              {"store": "local", "result": "well", "duration": 0.0004},
              {"store": "http", "result": "unchecked", "duration": 0.0},
              {"store": "s3", "result": "failed", "failure": "it\u001bsays no",
               "duration": 2.5}]})"),
                          false),
            "STORE  RESULT     TOOK  FAILURE\n"
            "local  well        1ms\n"
            "http   unchecked     -\n"
            "s3     failed     2.5s  it\\x1bsays no\n");
}

TEST(Copies, ShowWhereReadsBegin) {
  EXPECT_EQ(format_copies(parsed(R"({"copies": [
              {"store": "local", "location": "file:///a", "state": "whole", "first": true},
              {"store": "s3", "location": "s3://b/k", "state": "damaged", "first": false}]})"),
                          false),
            "STORE  STATE    READ   LOCATION\n"
            "local  whole    first  file:///a\n"
            "s3     damaged         s3://b/k\n");
}

TEST(Placements, ShowHowFarTheyAreAndWhatCameOfThem) {
  const Time now = parse_visor_time("2012-06-15 21:05:20 +0000").value();
  EXPECT_EQ(format_placements(parsed(R"({"placements": [
              {"id": "5", "kind": "copy", "state": "running", "image": "i", "store": "s3",
               "size": 1000, "done": 999, "created_at": "2012-06-15 21:05:16 +0000"},
              {"id": "4", "kind": "move", "state": "waiting", "image": "i", "store": "s3",
               "from": "local", "size": 1000, "created_at": "2012-06-15T21:03:20Z"},
              {"id": "3", "kind": "scrub", "state": "running", "store": "s3", "done": 2048,
               "checked": 8, "damaged": 2, "created_at": "2012-06-15 20:05:20 +0000"},
              {"id": "2", "kind": "evict", "state": "failed", "image": "i", "store": "s3",
               "failure": "it is the only one", "created_at": "2012-06-15 21:05:30 +0000"},
              {"id": "1", "kind": "move", "state": "done", "image": "i", "store": "s3",
               "from": "local", "size": 1000}]})"),
                              now, false),
            "ID  KIND   STATE    IMAGE  STORE        PROGRESS     AGE  REMARK\n"
            "5   copy   running  i      s3                99%      4s\n"
            "4   move   waiting  i      local -> s3        0%  2m 00s\n"
            "3   scrub  running  -      s3              2 KiB  1h 00m  2 of 8 copies damaged\n"
            "2   evict  failed   i      s3                  -     0ms  it is the only one\n"
            "1   move   done     i      local -> s3      100%       -\n");
}

}  // namespace
}  // namespace visor::command
