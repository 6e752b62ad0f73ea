#include "service/jobs.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace visor::service {
namespace {

using namespace std::chrono_literals;

TEST(Jobs, TellWhatWillRunBeforeItRan) {
  ManualClock clock{Time(1000s)};
  Jobs jobs(clock);
  jobs.add("tidy", 30s);
  const auto listed = jobs.list();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].name, "tidy");
  EXPECT_FALSE(listed[0].running);
  EXPECT_FALSE(listed[0].started);
  EXPECT_EQ(listed[0].next, Time(1030s));
}

TEST(Jobs, ShowARunWhileItGoesOnAndItsResultAfterwards) {
  ManualClock clock{Time(1000s)};
  Jobs jobs(clock);
  const std::size_t tidy = jobs.add("tidy", 30s);
  clock.advance(30s);
  const Result<void> outcome = jobs.run(tidy, [&]() -> Result<void> {
    EXPECT_TRUE(jobs.list()[0].running);
    EXPECT_EQ(jobs.list()[0].started, Time(1030s));
    EXPECT_FALSE(jobs.list()[0].next);
    clock.advance(5s);
    return fail(Code::no_space, "the disk is full");
  });
  EXPECT_FALSE(outcome);
  const auto after = jobs.list()[0];
  EXPECT_FALSE(after.running);
  EXPECT_EQ(after.runs, 1U);
  EXPECT_EQ(after.failures, 1U);
  EXPECT_EQ(after.failure, "the disk is full");
  EXPECT_EQ(after.next, Time(1065s));
}

TEST(Jobs, CountAnExceptionAsAFailureAndForgetItAfterARunThatWentWell) {
  Jobs jobs(Clock::system());
  const std::size_t job = jobs.add("recovery", 0s);
  EXPECT_FALSE(jobs.run(job, []() -> Result<void> { throw std::runtime_error("no memory"); }));
  EXPECT_FALSE(jobs.list()[0].failure.empty());
  EXPECT_TRUE(jobs.run(job, []() -> Result<void> { return {}; }));
  EXPECT_TRUE(jobs.list()[0].failure.empty());
  EXPECT_EQ(jobs.list()[0].failures, 1U);
  EXPECT_FALSE(jobs.list()[0].next) << "what runs once has no next time";
}

}  // namespace
}  // namespace visor::service
