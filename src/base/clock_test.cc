#include "base/clock.h"

#include <gtest/gtest.h>

namespace visor {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

Time at(std::int64_t unix_seconds) { return Time(seconds(unix_seconds)); }

constexpr std::int64_t kJune = 1339794320;  // 2012-06-15 21:05:20 UTC

TEST(Clock, SystemClockGoesForward) {
  const Time before = Clock::system().now();
  EXPECT_GT(before, at(1700000000));
  EXPECT_GE(Clock::system().now(), before);
}

TEST(Clock, ManualClockStandsStillUntilAdvanced) {
  ManualClock clock(at(kJune));
  EXPECT_EQ(clock.now(), at(kJune));
  clock.advance(seconds(90));
  EXPECT_EQ(clock.now(), at(kJune + 90));
}

TEST(VisorTime, IsWrittenInUtcAndReadBack) {
  EXPECT_EQ(format_visor_time(at(kJune)), "2012-06-15 21:05:20 +0000");
  EXPECT_EQ(parse_visor_time("2012-06-15 21:05:20 +0000"), at(kJune));
}

TEST(VisorTime, HonoursTheZone) {
  EXPECT_EQ(parse_visor_time("2012-06-15 22:05:20 +0100"), at(kJune));
  EXPECT_EQ(parse_visor_time("2012-06-15 15:35:20 -0530"), at(kJune));
}

TEST(VisorTime, RefusesEverythingElse) {
  for (const char* text :
       {"", "2012-06-15", "2012-06-15 21:05:20", "2012-06-15 21:05:20 UTC",
        "2012-06-15T21:05:20 +0000", "2012-06-15 21:05:20 +00:00", "2012-06-15 21:05:20 +0000 ",
        "2012-13-15 21:05:20 +0000", "2012-02-30 21:05:20 +0000", "2012-06-15 24:05:20 +0000",
        "2012-06-15 21:60:20 +0000", "2012-06-15 21:05:61 +0000", "2012-06-15 21:05:20 +2400",
        "2012-06-15 21:05:20 +0060", " 2012-06-15 21:05:20 +0000", "12-06-15 21:05:20 +0000"}) {
    EXPECT_FALSE(parse_visor_time(text)) << text;
  }
}

TEST(VisorTime, WritesTimesBefore1970AndDropsPartsOfASecondDownwards) {
  EXPECT_EQ(format_visor_time(Time(microseconds(-1))), "1969-12-31 23:59:59 +0000");
  EXPECT_EQ(format_visor_time(at(kJune) + microseconds(999999)), "2012-06-15 21:05:20 +0000");
}

TEST(HttpTime, IsWrittenInThePreferredForm) {
  EXPECT_EQ(format_http_time(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_time(at(kJune)), "Fri, 15 Jun 2012 21:05:20 GMT");
}

TEST(HttpTime, ReadsAllThreeFormsOfRfc9110) {
  EXPECT_EQ(parse_http_time("Sun, 06 Nov 1994 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_http_time("Sunday, 06-Nov-94 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_http_time("Sun Nov  6 08:49:37 1994"), at(784111777));
}

TEST(HttpTime, ReadsZonesOfRfc2822) {
  EXPECT_EQ(parse_http_time("Fri, 15 Jun 2012 22:05:20 +0100"), at(kJune));
  EXPECT_EQ(parse_http_time("Fri, 15 Jun 2012 14:05:20 -0700"), at(kJune));
  EXPECT_EQ(parse_http_time("15 Jun 2012 21:05:20 UTC"), at(kJune));
  EXPECT_EQ(parse_http_time("Fri, 15 Jun 2012 17:05:20 EDT"), at(kJune));
  EXPECT_EQ(parse_http_time("Fri, 15 Jun 2012 21:05 -0000"), at(kJune - 20));
  EXPECT_EQ(parse_http_time("Fri, 1 Jun 2012 00:00:00 GMT"), at(1338508800));
  EXPECT_EQ(parse_http_time("  fri, 15 jun 2012 21:05:20 gmt "), at(kJune));
}

TEST(HttpTime, TakesALeapSecondForTheNextMinute) {
  EXPECT_EQ(parse_http_time("Sat, 30 Jun 2012 23:59:60 GMT"), at(1341100800));
}

TEST(HttpTime, TakesATwoDigitYearFarAheadForThePast) {
  const auto old = parse_http_time("Sunday, 06-Nov-94 08:49:37 GMT");
  const auto recent = parse_http_time("Friday, 15-Jun-12 21:05:20 GMT");
  EXPECT_EQ(old, at(784111777));
  EXPECT_EQ(recent, at(kJune));
}

TEST(HttpTime, RefusesNonsense) {
  for (const char* text :
       {"", "Fri", "yesterday", "Fri, 15 Jun 2012 21:05:20", "Fri, 15 Jun 2012 21:05:20 +1",
        "Fri, 32 Jun 2012 21:05:20 GMT", "Fri, 15 Foo 2012 21:05:20 GMT",
        "Fri 15 Jun 2012 21:05:20 GMT", "Fri, 15 Jun 2012 25:05:20 GMT",
        "Fri, 15 Jun 2012 21:05:20 GMT; rm -rf", "Wed, 29 Feb 2011 00:00:00 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov  6 08:49:37 94"}) {
    EXPECT_FALSE(parse_http_time(text)) << text;
  }
}

TEST(IsoTime, IsWrittenAndReadWithZoneAndFraction) {
  EXPECT_EQ(format_iso_time(at(kJune)), "2012-06-15T21:05:20Z");
  EXPECT_EQ(parse_iso_time("2012-06-15T21:05:20Z"), at(kJune));
  EXPECT_EQ(parse_iso_time("2012-06-15t21:05:20z"), at(kJune));
  EXPECT_EQ(parse_iso_time("2012-06-15T23:05:20+02:00"), at(kJune));
  EXPECT_EQ(parse_iso_time("2012-06-15T21:05:20.25Z"), at(kJune) + microseconds(250000));
  EXPECT_EQ(parse_iso_time("2012-06-15T21:05:20.1234567891Z"), at(kJune) + microseconds(123456));
}

TEST(IsoTime, RefusesMissingZonesAndEmptyFractions) {
  for (const char* text :
       {"", "2012-06-15T21:05:20", "2012-06-15T21:05:20.Z", "2012-06-15T21:05:20+0200",
        "2012-06-15 21:05:20Z", "2012-06-15", "2012-06-15T21:05:20Zx"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

TEST(BasicTime, IsWrittenAndReadAsAwsDoes) {
  EXPECT_EQ(format_basic_time(at(kJune)), "20120615T210520Z");
  EXPECT_EQ(parse_basic_time("20120615T210520Z"), at(kJune));
  EXPECT_FALSE(parse_basic_time("20120615T210520"));
  EXPECT_FALSE(parse_basic_time("20120615210520Z"));
  EXPECT_FALSE(parse_basic_time("20120632T210520Z"));
}

TEST(AllTimes, RefuseATextCutAnywhere) {
  const std::string visor = "2012-06-15 21:05:20 +0000";
  const std::string http = "Fri, 15 Jun 2012 21:05:20 GMT";
  const std::string iso = "2012-06-15T21:05:20Z";
  const std::string basic = "20120615T210520Z";
  for (std::size_t i = 0; i < visor.size(); ++i) {
    EXPECT_FALSE(parse_visor_time(visor.substr(0, i)));
  }
  for (std::size_t i = 0; i < http.size(); ++i) EXPECT_FALSE(parse_http_time(http.substr(0, i)));
  for (std::size_t i = 0; i < iso.size(); ++i) EXPECT_FALSE(parse_iso_time(iso.substr(0, i)));
  for (std::size_t i = 0; i < basic.size(); ++i) EXPECT_FALSE(parse_basic_time(basic.substr(0, i)));
}

}  // namespace
}  // namespace visor
