#include "base/encoding.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace visor {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(Hex, IsWrittenLowerCaseAndReadInAnyCase) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(from_hex("00FF1a"), std::string("\x00\xff\x1a", 3));
  EXPECT_EQ(from_hex(to_hex(all_bytes())), all_bytes());
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const char* text : {"0", "0g", "g0", "0x", " 00", "00 "}) EXPECT_FALSE(from_hex(text));
}

TEST(Base64, MatchesRfc4648) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kVectors = {
      {{"", ""},
       {"f", "Zg=="},
       {"fo", "Zm8="},
       {"foo", "Zm9v"},
       {"foob", "Zm9vYg=="},
       {"fooba", "Zm9vYmE="},
       {"foobar", "Zm9vYmFy"}}};
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(to_base64(plain), encoded);
    EXPECT_EQ(from_base64(encoded), plain);
  }
  EXPECT_EQ(from_base64(to_base64(all_bytes())), all_bytes());
}

TEST(Base64, IsStrict) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9-",
                           "====", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Z=g=", "="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Base64Url, HasItsOwnAlphabetAndNoPadding) {
  EXPECT_EQ(to_base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(to_base64url("f"), "Zg");
  EXPECT_EQ(from_base64url("Zg"), "f");
  EXPECT_EQ(from_base64url(to_base64url(all_bytes())), all_bytes());
  for (const char* text : {"Zg==", "Z", "+/+/", "Zh", "Zg "}) EXPECT_FALSE(from_base64url(text));
}

TEST(PercentEncoding, KeepsOnlyTheUnreserved) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/c+d%\xc3\xa9"), "a%20b%2Fc%2Bd%25%C3%A9");
  EXPECT_EQ(percent_encode("a/b c", "/"), "a/b%20c");
  EXPECT_EQ(percent_decode(percent_encode(all_bytes())), all_bytes());
}

TEST(PercentDecoding, LeavesPlusAloneAndRefusesHalfEscapes) {
  EXPECT_EQ(percent_decode("a+b%2fc%2F"), "a+b/c/");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  for (const char* text : {"%", "%4", "a%", "%zz", "%4z", "%%41"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
}

TEST(Utf8, AcceptsTheBordersOfEveryLength) {
  for (const char* text : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf", "eight by\xc3\xa9te words then some"}) {
    EXPECT_TRUE(valid_utf8(text)) << text;
  }
  EXPECT_TRUE(valid_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndFragments) {
  for (const char* text : {"\x80",
                           "\xbf",
                           "\xc0\x80",
                           "\xc1\xbf",
                           "\xe0\x80\x80",
                           "\xe0\x9f\xbf",
                           "\xed\xa0\x80",
                           "\xed\xbf\xbf",
                           "\xf0\x80\x80\x80",
                           "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80",
                           "\xff",
                           "\xfe",
                           "\xc2",
                           "\xe2\x82",
                           "\xf0\x9f\x98",
                           "\xc2z",
                           "\xe2\x82z",
                           "12345678\xc3",
                           "1234567\xc3"
                           "8"}) {
    EXPECT_FALSE(valid_utf8(text));
  }
}

TEST(Utf8, GivesTheFirstCharacterOfEveryLength) {
  const auto code = [](std::string_view text) { return first_utf8_character(text).code; };
  EXPECT_EQ(code("A\xc3"), 0x41U);
  EXPECT_EQ(code("\xc3\xa9z"), 0xe9U);
  EXPECT_EQ(code("\xe2\x82\xac"), 0x20acU);
  EXPECT_EQ(code("\xf0\x9f\x98\x80"), 0x1f600U);
  EXPECT_EQ(first_utf8_character("\xf0\x9f\x98\x80").length, 4U);
  const auto stray = first_utf8_character("\xc3z");
  EXPECT_FALSE(stray.valid);
  EXPECT_EQ(stray.code, 0xc3U);
  EXPECT_EQ(stray.length, 1U);
}

TEST(AsciiCase, ChangesLettersOnly) {
  EXPECT_EQ(to_lower("ABC[@]xyz\xc3\x89"), "abc[@]xyz\xc3\x89");
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "cOnTeNt-tYpE"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
}

TEST(Trim, RemovesBlanksAndTabsAtBothEnds) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\nx"), "\nx");
}

}  // namespace
}  // namespace visor
