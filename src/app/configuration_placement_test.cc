#include <gtest/gtest.h>

#include "app/configuration.h"

namespace visor::app {
namespace {

constexpr const char* kStores =
    "stores:\n"
    "  big: {kind: file, directory: /big}\n";

Result<Configuration> parsed(const std::string& placement) {
  return parse_configuration(kStores + placement, "visor-config.yml");
}

TEST(ConfigurationOfPlacement, HasRulesInTheirOrder) {
  const auto configuration = parsed(
      "placement:\n"
      "  - store: big\n"
      "    when: {owner: ada, format: iso}\n"
      "  - store: file\n"
      "    when: {tier: hot}\n");
  ASSERT_TRUE(configuration) << configuration.error().message;
  ASSERT_EQ(configuration->placement.size(), 2U);
  EXPECT_EQ(configuration->placement[0].store, "big");
  EXPECT_EQ(configuration->placement[0].when.at("owner"), "ada");
  EXPECT_EQ(configuration->placement[0].when.at("format"), "iso");
  EXPECT_EQ(configuration->placement[1].when.at("tier"), "hot");
}

TEST(ConfigurationOfPlacement, SaysWhatIsWrongWithARule) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"placement:\n  - {store: nowhere, when: {format: iso}}\n", "'nowhere' is no store"},
      {"placement:\n  - {store: http, when: {format: iso}}\n", "'http' is no store"},
      {"placement:\n  - {when: {format: iso}}\n", "has no store"},
      {"placement:\n  - {store: big}\n", "has no conditions"},
      {"placement:\n  - {store: big, when: {size: 5}}\n", "is no attribute that can decide"},
      {"placement:\n  - {store: big, when: {format: iso}, if: x}\n", "unknown key 'if'"},
      {"placement: big\n", "placement"}};
  for (const auto& [text, sentence] : mistakes) {
    const auto configuration = parsed(text);
    ASSERT_FALSE(configuration) << text;
    EXPECT_NE(configuration.error().message.find(sentence), std::string::npos)
        << configuration.error().message;
  }
}

}  // namespace
}  // namespace visor::app
