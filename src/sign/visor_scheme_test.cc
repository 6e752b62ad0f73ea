#include "sign/visor_scheme.h"

#include <gtest/gtest.h>

#include "sign/testdata/signed_request.h"

namespace visor::sign {
namespace {

const Secret kSecret{std::string("secret")};
constexpr const char* kDate = "Sat, 14 Mar 2026 15:09:26 GMT";
const Time kNow = *parse_basic_time("20260314T150926Z");

TEST(VisorScheme, DescribesTheContractsExample) {
  SignedRequest request{"", "get", "/images", "sort=name", "", {{"Date", kDate}}};
  EXPECT_EQ(visor_description(request.head(), false).value(),
            "GET\n\n\nSat, 14 Mar 2026 15:09:26 GMT\n/images");
}

TEST(VisorScheme, DescribesAttributesByNameInLowerCaseSortedAfterTheThreeHeaders) {
  SignedRequest request{"",
                        "POST",
                        "//images/",
                        "",
                        "data",
                        {{"X-Image-Meta-Name", "  caf\xc3\xa9  12 "},
                         {"x-image-meta-kernel_id", "b"},
                         {"X-IMAGE-META-ARCHITECTURE", "i386"},
                         {"Host", "h"},
                         {"Content-Type", " application/octet-stream"},
                         {"Date", kDate},
                         {"Content-MD5", "jXd/OF09/siBXSD3SWAm3A=="}}};
  EXPECT_EQ(visor_description(request.head(), true).value(),
            "POST\njXd/OF09/siBXSD3SWAm3A==\napplication/octet-stream\n"
            "Sat, 14 Mar 2026 15:09:26 GMT\nx-image-meta-architecture:i386\n"
            "x-image-meta-kernel_id:b\nx-image-meta-name:caf\xc3\xa9  12\n//images/");
}

TEST(VisorScheme, CoversAttributesThatAreSpelledWithUnderscores) {
  SignedRequest request{"", "POST", "/images",
                        "", "",     {{"Date", kDate}, {"X_image_Meta-name", "a"}}};
  EXPECT_EQ(visor_description(request.head(), false).value(),
            std::string("POST\n\n\n") + kDate + "\nx_image_meta-name:a\n/images");
}

TEST(VisorScheme, TakesTheFormTypeOfAnEmptyBodyForEmpty) {
  SignedRequest request{
      "",
      "PUT",
      "/images/1",
      "",
      "",
      {{"Date", kDate}, {"Content-Type", "Application/x-www-form-urlencoded; charset=utf-8"}}};
  EXPECT_EQ(visor_description(request.head(), false).value(),
            std::string("PUT\n\n\n") + kDate + "\n/images/1");
  EXPECT_NE(visor_description(request.head(), true).value(),
            std::string("PUT\n\n\n") + kDate + "\n/images/1");
  request.header("Content-Type") = "text/plain";
  EXPECT_EQ(visor_description(request.head(), false).value(),
            std::string("PUT\n\ntext/plain\n") + kDate + "\n/images/1");
}

// Computed with: printf 'GET\n\n\n...GMT\n/images' | openssl dgst -sha1 -hmac secret -binary |
// base64
TEST(VisorScheme, SignsAsOpensslDoes) {
  SignedRequest request{"", "GET", "/images", "", "", {{"Date", kDate}}};
  auto value = sign_visor(request.head(), false, "joe", kSecret);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, "VISOR joe:SOTik7GJPO3htUZcqW5YTmcN364=");
  auto claim = parse_visor_authorization(*value);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->access_key, "joe");
  EXPECT_TRUE(verify_visor(request.head(), false, *claim, kSecret));
  EXPECT_FALSE(verify_visor(request.head(), false, *claim, Secret("Secret")));
}

TEST(VisorScheme, RefusesAMalformedAuthorizationWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"VISOR", "colon"},
      {"VISOR joe", "colon"},
      {"VISOR :MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "empty"},
      {"VISOR joe:short", "28 characters"},
      {"VISOR jo e:MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "blank"},
      {"VISOR " + std::string(65, 'a') + ":MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "64"},
      {"Visor joe:MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "scheme"},
      {"VISORS joe:MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "scheme"}};
  for (const auto& [value, reason] : cases) {
    auto claim = parse_visor_authorization(value);
    ASSERT_FALSE(claim) << value;
    EXPECT_EQ(claim.error().code, Code::unauthenticated);
    EXPECT_NE(claim.error().message.find(reason), std::string::npos) << claim.error().message;
  }
}

TEST(VisorScheme, ChecksTheDateAgainstTheWindow) {
  SignedRequest request{"", "GET", "/images", "", "", {{"Date", kDate}}};
  const auto window = std::chrono::minutes(15);
  EXPECT_TRUE(check_visor_date(request.head(), kNow, window));
  EXPECT_TRUE(check_visor_date(request.head(), kNow + window, window));
  EXPECT_FALSE(check_visor_date(request.head(), kNow + window + std::chrono::seconds(1), window));
  EXPECT_FALSE(check_visor_date(request.head(), kNow - window - std::chrono::seconds(1), window));
  request.header("Date") = "Sat, 14 Mar 2026 16:09:26 +0100";
  EXPECT_TRUE(check_visor_date(request.head(), kNow, window));
  for (const char* form : {"2026-03-14 15:09:26 +0000", "2026-03-14 16:09:26 +0100",
                           "2026-03-14T15:09:26Z", "Sat Mar 14 15:09:26 2026"}) {
    request.header("Date") = form;
    EXPECT_TRUE(check_visor_date(request.head(), kNow, window)) << form;
  }
  request.header("Date") = "2012-06-15 21:05:20 +0100";
  EXPECT_FALSE(check_visor_date(request.head(), kNow, window));
  request.header("Date") = "yesterday";
  EXPECT_FALSE(check_visor_date(request.head(), kNow, window));
  request.headers.clear();
  auto missing = check_visor_date(request.head(), kNow, window);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("Date"), std::string::npos);
}

TEST(VisorScheme, RefusesARepeatedDate) {
  SignedRequest request{"", "GET", "/images", "", "", {{"Date", kDate}, {"date", kDate}}};
  auto description = visor_description(request.head(), false);
  ASSERT_FALSE(description);
  EXPECT_EQ(description.error().code, Code::invalid);
}

}  // namespace
}  // namespace visor::sign
