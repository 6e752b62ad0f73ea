#include "base/units.h"

#include <gtest/gtest.h>

namespace visor {
namespace {

using std::chrono::milliseconds;

TEST(SizeParsing, ReadsNumbersWithAndWithoutUnits) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("512 B"), 512U);
  EXPECT_EQ(parse_size("64 KiB"), 64 * kKiB);
  EXPECT_EQ(parse_size("10GiB"), 10 * kGiB);
  EXPECT_EQ(parse_size("10G"), 10 * kGiB);
  EXPECT_EQ(parse_size("10GB"), 10000000000U);
  EXPECT_EQ(parse_size("1.5 TiB"), kTiB + kTiB / 2);
  EXPECT_EQ(parse_size("2 mib"), 2 * kMiB);
  EXPECT_EQ(parse_size("9223372036854775807"), 9223372036854775807U);
  EXPECT_EQ(parse_size("7.5EiB"), 8646911284551352320U);
}

TEST(SizeParsing, RefusesWhatIsNoSize) {
  for (const char* text : {"",
                           " ",
                           "-1",
                           "+1",
                           "1.",
                           ".5",
                           "1.5",
                           "1.5 B",
                           "1 2",
                           "1 KiBs",
                           "KiB",
                           "1 XB",
                           "1e3",
                           " 1",
                           "1 ",
                           "1,5 KiB",
                           "0x10",
                           "1..5K",
                           "9223372036854775808",
                           "8EiB",
                           "99999999999T",
                           "18446744073709551616",
                           "184467440737095516150000",
                           "1.0000000001K"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(SizeFormatting, UsesAtMostFourCharactersAndTheLargestUnit) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(kKiB), "1 KiB");
  EXPECT_EQ(format_size(kGiB + kGiB / 2), "1.5 GiB");
  EXPECT_EQ(format_size(12 * kMiB + 300 * kKiB), "12.3 MiB");
  EXPECT_EQ(format_size(512 * kMiB + kMiB / 4), "512 MiB");
  EXPECT_EQ(format_size(18446744073709551615U), "16 EiB");
}

TEST(SizeFormatting, CarriesIntoTheNextUnitWhenRoundedUp) {
  EXPECT_EQ(format_size(kMiB - 1), "1 MiB");
  EXPECT_EQ(format_size(kGiB - 1), "1 GiB");
  EXPECT_EQ(format_size(100 * kKiB - 1), "100 KiB");
}

TEST(SizeFormatting, IsReadBackForWholeUnits) {
  for (const std::uint64_t size : {1 * kKiB, 7 * kMiB, 1000 * kGiB, 3 * kTiB / 2}) {
    EXPECT_EQ(parse_size(format_size(size)), size);
  }
}

TEST(DurationParsing, ReadsOneNumberWithOneUnit) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30000));
  EXPECT_EQ(parse_duration("15m"), milliseconds(900000));
  EXPECT_EQ(parse_duration("12h"), milliseconds(43200000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604800000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(DurationParsing, RefusesEverythingElse) {
  for (const char* text : {"", "5", "s", "-1s", "1.5h", "1 s", "1h30m", "1S", "1w",
                           "99999999999999999999s", "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationFormatting, ShowsTheTwoLargestParts) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0ms");
  EXPECT_EQ(format_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(format_duration(milliseconds(4200)), "4.2s");
  EXPECT_EQ(format_duration(milliseconds(30000)), "30s");
  EXPECT_EQ(format_duration(milliseconds(59999)), "59.9s");
  EXPECT_EQ(format_duration(milliseconds(200000)), "3m 20s");
  EXPECT_EQ(format_duration(std::chrono::minutes(125)), "2h 05m");
  EXPECT_EQ(format_duration(std::chrono::hours(27)), "1d 03h");
  EXPECT_EQ(format_duration(milliseconds(-250)), "-250ms");
  EXPECT_FALSE(format_duration(milliseconds::min()).empty());
}

TEST(UnsignedParsing, TakesDigitsOnly) {
  EXPECT_EQ(parse_unsigned("0"), 0U);
  EXPECT_EQ(parse_unsigned("007"), 7U);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615U);
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_unsigned(text)) << text;
  }
}

}  // namespace
}  // namespace visor
