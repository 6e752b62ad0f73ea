#include "catalogue/memory/memory_catalogue.h"

#include <gtest/gtest.h>

#include <memory>

#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

class MemoryHarness : public Harness {
 public:
  Catalogue& catalogue() override { return catalogue_; }

 private:
  MemoryCatalogue catalogue_{[] {
    MemoryCatalogue::Options options;
    options.change_log_rows = kHistoryRows;
    return options;
  }()};
};

INSTANTIATE_TEST_SUITE_P(Memory, CatalogueSuite,
                         ::testing::Values(Engine{
                             "Map", [] { return std::make_unique<MemoryHarness>(); }}),
                         engine_name);

TEST(MemoryCatalogue, TakesTheTimeOfLeasesFromItsClock) {
  ManualClock clock(Time(std::chrono::hours(24)));
  MemoryCatalogue::Options options;
  options.clock = &clock;
  MemoryCatalogue catalogue(options);
  ASSERT_TRUE(catalogue.acquire("recovery", "node-1", std::chrono::seconds(10)));
  clock.advance(std::chrono::seconds(9));
  EXPECT_FALSE(catalogue.acquire("recovery", "node-2", std::chrono::seconds(10)));
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(catalogue.acquire("recovery", "node-2", std::chrono::seconds(10)));
}

}  // namespace visor::catalogue::conformance
