#include "client/progress.h"

#include <gtest/gtest.h>

namespace visor::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateMeter::Clock::time_point kStart{};

TEST(RateMeter, KnowsNothingBeforeTheFirstSample) {
  const RateMeter meter(0, kStart);
  EXPECT_EQ(meter.rate(), 0);
  EXPECT_EQ(meter.remaining(100), std::nullopt);
}

TEST(RateMeter, DoesNotCountWhatWasThereBefore) {
  RateMeter meter(1'000'000, kStart);
  meter.update(1'000'500, kStart + seconds(1));
  EXPECT_DOUBLE_EQ(meter.rate(), 500);
  EXPECT_DOUBLE_EQ(meter.mean_rate(kStart + seconds(1)), 500);
}

TEST(RateMeter, TellsTheRestAtAConstantRate) {
  RateMeter meter(0, kStart);
  for (int second = 1; second <= 10; ++second) {
    meter.update(static_cast<std::uint64_t>(second) * 100, kStart + seconds(second));
  }
  EXPECT_NEAR(meter.rate(), 100, 0.001);
  EXPECT_EQ(meter.remaining(1500), seconds(5));
  EXPECT_EQ(meter.remaining(1000), seconds(0));
}

TEST(RateMeter, FollowsAChangeOfSpeedWithinSomeSeconds) {
  RateMeter meter(0, kStart);
  meter.update(1000, kStart + seconds(1));
  for (int second = 2; second <= 21; ++second) {
    meter.update(1000 + static_cast<std::uint64_t>(second - 1) * 10, kStart + seconds(second));
  }
  EXPECT_NEAR(meter.rate(), 10, 25);
  EXPECT_LT(meter.rate(), 40);
}

TEST(RateMeter, DoesNotDependOnHowOftenSamplesCome) {
  RateMeter often(0, kStart);
  RateMeter seldom(0, kStart);
  for (int step = 1; step <= 100; ++step) {
    const auto done = static_cast<std::uint64_t>(step) * (step < 50 ? 10 : 20);
    often.update(done, kStart + milliseconds(100 * step));
    if (step % 10 == 0) seldom.update(done, kStart + milliseconds(100 * step));
  }
  EXPECT_NEAR(often.rate(), seldom.rate(), often.rate() * 0.35);
}

TEST(RateMeter, LeavesSamplesInQuickSuccessionToTheNext) {
  RateMeter meter(0, kStart);
  meter.update(10, kStart + milliseconds(1));
  EXPECT_EQ(meter.rate(), 0);
  meter.update(100, kStart + milliseconds(100));
  EXPECT_DOUBLE_EQ(meter.rate(), 1000);
}

TEST(RateMeter, SaysNothingOfTheRestWhenTheTransferStalls) {
  RateMeter meter(0, kStart);
  meter.update(0, kStart + seconds(1));
  EXPECT_EQ(meter.remaining(100), std::nullopt);
}

TEST(RateMeter, SaysNothingOfARestBeyondFourDays) {
  RateMeter meter(0, kStart);
  meter.update(10, kStart + seconds(1));
  EXPECT_EQ(meter.remaining(100'000'000'000), std::nullopt);
}

}  // namespace
}  // namespace visor::client
