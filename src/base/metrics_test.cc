#include "base/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace visor::metrics {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::array<std::uint64_t, 2> kTwo = {10, 20};

TEST(MetricsText, ShowsACounterWithItsHelpAndType) {
  Registry registry;
  registry.counter("visor_things_total", "Things.").add(3);
  EXPECT_EQ(registry.text(),
            "# HELP visor_things_total Things.\n# TYPE visor_things_total counter\n"
            "visor_things_total 3\n");
}

TEST(MetricsText, IsEmptyForAnEmptyRegistry) { EXPECT_EQ(Registry().text(), ""); }

TEST(MetricsText, GroupsTheSeriesOfANameUnderOneHead) {
  Registry registry;
  registry.counter("b_total", "B.", {{"kind", "y"}}).add(2);
  registry.gauge("a", "A.").set(1.5);
  registry.counter("b_total", "B.", {{"kind", "x"}}).add();
  EXPECT_EQ(registry.text(),
            "# HELP a A.\n# TYPE a gauge\na 1.5\n"
            "# HELP b_total B.\n# TYPE b_total counter\n"
            "b_total{kind=\"x\"} 1\nb_total{kind=\"y\"} 2\n");
}

TEST(MetricsText, EscapesBackslashesQuotesAndLineEnds) {
  Registry registry;
  registry.gauge("g", "one\\two\nsaid \"three\"", {{"name", "a\\b\"c\nd"}}).set(1);
  EXPECT_EQ(registry.text(),
            "# HELP g one\\\\two\\nsaid \"three\"\n# TYPE g gauge\n"
            "g{name=\"a\\\\b\\\"c\\nd\"} 1\n");
}

TEST(MetricsText, WritesSpecialNumbersAsTheFormatWantsThem) {
  Registry registry;
  registry.gauge("a", "").set(std::numeric_limits<double>::infinity());
  registry.gauge("b", "").set(-std::numeric_limits<double>::infinity());
  registry.gauge("c", "").set(std::nan(""));
  const std::string text = registry.text();
  EXPECT_NE(text.find("\na +Inf\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nb -Inf\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nc NaN\n"), std::string::npos) << text;
}

TEST(MetricsText, CumulatesTheBucketsOfAHistogram) {
  Registry registry;
  Histogram& sizes = registry.histogram("sizes", "S.", Unit::number, kTwo, {{"of", "x"}});
  for (const std::uint64_t value : {0, 10, 11, 20, 21, 1000}) sizes.observe(value);
  EXPECT_EQ(registry.text(),
            "# HELP sizes S.\n# TYPE sizes histogram\n"
            "sizes_bucket{of=\"x\",le=\"10\"} 2\n"
            "sizes_bucket{of=\"x\",le=\"20\"} 4\n"
            "sizes_bucket{of=\"x\",le=\"+Inf\"} 6\n"
            "sizes_sum{of=\"x\"} 1062\nsizes_count{of=\"x\"} 6\n");
}

TEST(MetricsText, ShowsDurationsAsSeconds) {
  Registry registry;
  constexpr std::array<std::uint64_t, 2> bounds = {1'000'000, 2'500'000'000};
  Histogram& waits = registry.histogram("wait_seconds", "W.", Unit::duration, bounds);
  waits.observe(milliseconds(1));
  waits.observe(milliseconds(1500));
  waits.observe(nanoseconds(-5));
  EXPECT_EQ(registry.text(),
            "# HELP wait_seconds W.\n# TYPE wait_seconds histogram\n"
            "wait_seconds_bucket{le=\"0.001\"} 2\n"
            "wait_seconds_bucket{le=\"2.5\"} 3\n"
            "wait_seconds_bucket{le=\"+Inf\"} 3\n"
            "wait_seconds_sum 1.501\nwait_seconds_count 3\n");
}

TEST(MetricsText, ShowsATotalThatIsKeptElsewhereAsACounter) {
  Registry registry;
  registry.total("cpu_seconds_total", "C.").set(2.25);
  EXPECT_EQ(registry.text(),
            "# HELP cpu_seconds_total C.\n# TYPE cpu_seconds_total counter\n"
            "cpu_seconds_total 2.25\n");
}

TEST(MetricsRegistry, GivesTheSameMetricForTheSameNameAndLabelsInAnyOrder) {
  Registry registry;
  Counter& first = registry.counter("a_total", "A.", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&first, &registry.counter("a_total", "A.", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&first, &registry.counter("a_total", "A.", {{"x", "1"}, {"y", "3"}}));
  EXPECT_NE(&first, &registry.counter("a_total", "A."));
}

TEST(MetricsRegistry, HidesWhatHasAWrongNameOrLabelOrIsOfTwoKinds) {
  Registry registry;
  registry.counter("good_total", "G.");
  const std::string before = registry.text();
  registry.gauge("good_total", "G.").add(1);
  registry.histogram("good_total", "G.", Unit::number, kTwo).observe(std::uint64_t{1});
  registry.counter("", "").add();
  registry.counter("9th", "").add();
  registry.counter("a-b", "").add();
  registry.counter("a\n1", "").add();
  registry.counter("fine_total", "", {{"le", "1"}}).add();
  registry.counter("fine_total", "", {{"a:b", "1"}}).add();
  registry.counter("fine_total", "", {{"__name__", "1"}}).add();
  registry.counter("fine_total", "", {{"a", "1"}, {"a", "2"}}).add();
  EXPECT_EQ(registry.text(), before);
}

TEST(MetricsRegistry, GivesAllSeriesOfAHistogramTheSameBuckets) {
  Registry registry;
  registry.histogram("h", "H.", Unit::number, kTwo, {{"of", "x"}});
  const Histogram& second =
      registry.histogram("h", "H.", Unit::duration, call_bounds(), {{"of", "y"}});
  EXPECT_EQ(second.bounds(), std::vector<std::uint64_t>({10, 20}));
  EXPECT_EQ(second.unit(), Unit::number);
}

TEST(Metrics, HaveBoundsInAscendingOrder) {
  for (const auto bounds : {call_bounds(), request_bounds(), number_bounds()}) {
    ASSERT_FALSE(bounds.empty());
    for (std::size_t i = 1; i < bounds.size(); ++i) EXPECT_LT(bounds[i - 1], bounds[i]);
  }
}

TEST(Metrics, CountWhatIsUnderWay) {
  Gauge gauge;
  {
    const UnderWay first(gauge);
    const UnderWay second(gauge);
    EXPECT_EQ(gauge.value(), 2);
  }
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Metrics, LoseNothingWhenManyThreadsCountRegisterAndReadAtOnce) {
  constexpr std::size_t kThreads = 20;  // more than there are cells
  constexpr std::uint64_t kRounds = 2'000;
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&registry, t] {
        Counter& counter = registry.counter("c_total", "C.");
        Counter& own = registry.counter("own_total", "O.", {{"thread", std::to_string(t)}});
        Gauge& gauge = registry.gauge("g", "G.");
        Histogram& histogram = registry.histogram("h", "H.", Unit::number, kTwo);
        for (std::uint64_t i = 0; i < kRounds; ++i) {
          counter.add();
          own.add(2);
          const UnderWay inside(gauge);
          histogram.observe(i % 30);
          if (i % 500 == 0) EXPECT_FALSE(registry.text().empty());
        }
      });
    }
  }
  EXPECT_EQ(registry.counter("c_total", "C.").value(), kThreads * kRounds);
  EXPECT_EQ(registry.counter("own_total", "O.", {{"thread", "7"}}).value(), 2 * kRounds);
  EXPECT_EQ(registry.gauge("g", "G.").value(), 0);
  const auto counts = registry.histogram("h", "H.", Unit::number, kTwo).counts();
  EXPECT_EQ(counts.buckets[0] + counts.buckets[1] + counts.buckets[2], kThreads * kRounds);
}

}  // namespace
}  // namespace visor::metrics
