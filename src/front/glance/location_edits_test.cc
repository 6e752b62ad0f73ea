#include "front/glance/location_edits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "document/json.h"

namespace visor::front::glance {
namespace {

using Places = std::vector<service::Location>;
using Urls = std::vector<std::string>;

image::Image with_data() {
  image::Image image;
  image.state = image::DataState::present;
  return image;
}

const Places kTwo = {{"file", "file:///a", "file:///a", R"({"n":"1"})"},
                     {"web", "http://x.example/b?key=1", "http://x.example/b", ""}};

Result<service::WantedLocations> patched(std::string_view operations, const Places& places = kTwo,
                                         const image::Image& image = with_data()) {
  auto patch = read_patch(*document::parse_json(operations), false);
  EXPECT_TRUE(patch) << operations;
  return read_locations(image, places, *patch);
}

Urls urls(const Result<service::WantedLocations>& wanted) {
  if (!wanted) return {"error: " + wanted.error().message};
  Urls all;
  for (const auto& place : wanted->places) all.push_back(place.location);
  return all;
}

TEST(LocationEdits, OneIsAddedWhereThePathSays) {
  constexpr const char* kNew = R"("value":{"url":"http://y.example/c","metadata":{"a":"b"}}}])";
  const std::string head = R"([{"op":"add","path":"/locations/)";
  EXPECT_EQ(urls(patched(head + "-\"," + kNew)),
            (Urls{"file:///a", "http://x.example/b?key=1", "http://y.example/c"}));
  EXPECT_EQ(urls(patched(head + "0\"," + kNew)),
            (Urls{"http://y.example/c", "file:///a", "http://x.example/b?key=1"}));
  EXPECT_EQ(patched(head + "0\"," + kNew)->places.front().metadata, R"({"a":"b"})");
  for (const char* where : {"3", "x", "-1", "1x", "99999999999999999999", "1/2"}) {
    EXPECT_EQ(patched(head + where + "\"," + kNew).error().code, Code::invalid) << where;
  }
}

TEST(LocationEdits, WhatIsNoLocationIsRefused) {
  for (const char* value :
       {"7", "{}", R"({"url":""})", R"({"url":"file:///etc/passwd"})", R"({"url":"gopher://x/"})",
        R"({"url":"http://x/","metadata":7})",
        R"({"url":"http://x/","validation_data":{"os_hash_algo":"sha256"}})",
        R"({"url":"http://x/","validation_data":{"os_hash_algo":"crc","os_hash_value":"00"}})"}) {
    const auto wanted =
        patched(R"([{"op":"add","path":"/locations/-","value":)" + std::string(value) + "}]");
    EXPECT_EQ(wanted.error().code, Code::invalid) << value;
  }
}

TEST(LocationEdits, ReplacingAllOrdersThemAnewAndChangesWhatIsNoted) {
  const auto wanted = patched(R"([{"op":"replace","path":"/locations","value":[
    {"url":"http://x.example/b?key=1","metadata":{"store":"web","speed":"slow"}},
    {"url":"file:///a","metadata":{}}]}])");
  EXPECT_EQ(urls(wanted), (Urls{"http://x.example/b?key=1", "file:///a"}));
  EXPECT_EQ(wanted->places[0].metadata, R"({"speed":"slow"})") << "the store is the server's word";
  EXPECT_EQ(wanted->places[1].metadata, "");
}

TEST(LocationEdits, ReplacingAllNeitherAddsNorRemoves) {
  for (const char* list :
       {R"([{"url":"file:///a"}])", R"([{"url":"file:///a"},{"url":"http://z/"}])",
        R"([{"url":"file:///a"},{"url":"file:///a"}])"}) {
    const auto wanted =
        patched(R"([{"op":"replace","path":"/locations","value":)" + std::string(list) + "}]");
    EXPECT_EQ(wanted.error().code, Code::invalid) << list;
  }
  EXPECT_EQ(patched(R"([{"op":"replace","path":"/locations","value":[]}])").error().code,
            Code::forbidden);
  EXPECT_EQ(patched(R"([{"op":"replace","path":"/locations/0","value":{"url":"http://z/"}}])")
                .error()
                .code,
            Code::invalid);
}

TEST(LocationEdits, AnImageWithoutDataTakesAWholeList) {
  const auto wanted = patched(
      R"([{"op":"replace","path":"/locations","value":[{"url":"http://a/"},{"url":"http://b/"}]}])",
      {}, image::Image());
  EXPECT_EQ(urls(wanted), (Urls{"http://a/", "http://b/"}));
}

TEST(LocationEdits, OneIsRemovedByItsPositionButNotTheLastOne) {
  EXPECT_EQ(urls(patched(R"([{"op":"remove","path":"/locations/0"}])")),
            Urls{"http://x.example/b?key=1"});
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/locations/2"}])").error().code, Code::invalid);
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/locations/-"}])").error().code, Code::invalid);
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/locations/1"},
                        {"op":"remove","path":"/locations/0"}])")
                .error()
                .code,
            Code::forbidden);
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/locations"}])").error().code, Code::forbidden);
}

TEST(LocationEdits, LocationsAreChangedByAPatchOfTheirOwn) {
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/locations/0"},
                        {"op":"add","path":"/name","value":"x"}])")
                .error()
                .code,
            Code::invalid);
}

TEST(LocationEdits, DigestsThatTheCallerVouchesForAreTakenOnce) {
  const std::string claim =
      R"({"url":"http://a/","validation_data":{"checksum":")" + std::string(32, 'A') +
      R"(","os_hash_algo":"sha256","os_hash_value":")" + std::string(64, '0') + R"("}})";
  const auto wanted =
      patched(R"([{"op":"add","path":"/locations/-","value":)" + claim + "}]", {}, image::Image());
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->claimed.at(DigestAlgorithm::md5), std::string(32, 'a'));
  EXPECT_EQ(wanted->claimed.at(DigestAlgorithm::sha256), std::string(64, '0'));
  std::string other = claim;
  other.replace(other.find("http://a/"), 9, "http://b/").replace(other.rfind("0000"), 4, "1111");
  EXPECT_EQ(patched(R"([{"op":"add","path":"/locations","value":[)" + claim + "," + other + "]}]",
                    {}, image::Image())
                .error()
                .code,
            Code::conflict);
}

TEST(LocationEdits, AnImageWithoutDataTakesNoDigestThatCanBeNone) {
  for (const char* value : {"00", "zz"}) {
    const auto wanted = patched(R"([{"op":"add","path":"/locations/-","value":{"url":"http://a/",
      "validation_data":{"os_hash_algo":"sha256","os_hash_value":")" +
                                    std::string(value) + "\"}}}]",
                                {}, image::Image());
    EXPECT_EQ(wanted.error().code, Code::invalid) << value;
  }
}

TEST(LocationEdits, SecretsOfALocationAreForWhoMayChangeTheImage) {
  const std::string whole = document::write_json(locations_document(kTwo, true));
  const std::string others = document::write_json(locations_document(kTwo, false));
  EXPECT_NE(whole.find("key=1"), std::string::npos);
  EXPECT_EQ(others.find("key=1"), std::string::npos);
  EXPECT_EQ(others, R"([{"url":"file:///a","metadata":{"n":"1","store":"file"}},)"
                    R"({"url":"http://x.example/b","metadata":{"store":"web"}}])");
}

}  // namespace
}  // namespace visor::front::glance
