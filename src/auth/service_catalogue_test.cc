#include "auth/service_catalogue.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::auth {
namespace {

constexpr const char* kCatalogue = R"([
  {"type": "identity", "endpoints": [
    {"interface": "public", "region": "North", "region_id": "North", "url": "http://id.example/v3"}]},
  {"type": "image"},
  {"type": "image", "endpoints": [
    {"interface": "internal", "region": "North", "region_id": "North", "url": "http://in.example"},
    {"interface": "public", "region_id": "North", "url": "http://north.example/image//"},
    {"interface": "public", "region": "South", "url": 7},
    {"interface": "public", "region": "South", "url": "https://south.example:9292"}]}])";

Result<std::string> found(std::string region, std::string interface,
                          const char* text = kCatalogue) {
  return find_in_catalogue(*document::parse_json(text),
                           {"image", std::move(region), std::move(interface)});
}

TEST(ServiceCatalogue, AServiceIsFoundByItsRegionAndInterface) {
  EXPECT_EQ(found("North", "internal"), "http://in.example");
  EXPECT_EQ(found("South", "public"), "https://south.example:9292");
}

TEST(ServiceCatalogue, AUrlComesWithoutSlashesAtItsEnd) {
  EXPECT_EQ(found("North", "public"), "http://north.example/image");
}

TEST(ServiceCatalogue, WhatIsNotThereIsNotFoundAndTheErrorSaysWhatWasAskedFor) {
  const auto missing = found("East", "public");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().message.find("East"), std::string::npos);
  EXPECT_EQ(found("North", "admin").error().code, Code::not_found);
}

TEST(ServiceCatalogue, WhatIsNoCatalogueHasNothing) {
  for (const char* text :
       {"{}", "[]", "[7]", "[{\"type\": \"image\", \"endpoints\": 7}]", "null"}) {
    EXPECT_EQ(found("North", "public", text).error().code, Code::not_found) << text;
  }
}

}  // namespace
}  // namespace visor::auth
