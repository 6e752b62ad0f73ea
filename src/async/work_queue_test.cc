#include "async/work_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

namespace visor::async {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(WorkQueue, RunsWorkInTheOrderInWhichItCame) {
  WorkQueue queue;
  std::string ran;
  queue.post([&ran] { ran += "a"; });
  queue.post([&ran] { ran += "b"; });
  queue.post([&ran] { ran += "c"; });
  queue.run_due();
  EXPECT_EQ(ran, "abc");
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueue, LeavesWhatWorkPostsForTheNextCall) {
  WorkQueue queue;
  std::string ran;
  queue.post([&] {
    queue.post([&ran] { ran += "later"; });
    ran += "now ";
  });
  queue.run_due();
  EXPECT_EQ(ran, "now ");
  EXPECT_FALSE(queue.idle());
  queue.run_due();
  EXPECT_EQ(ran, "now later");
}

TEST(WorkQueue, RunsTimersInTheOrderOfTheirTimesAndNotBeforeThem) {
  WorkQueue queue;
  std::string ran;
  const auto began = std::chrono::steady_clock::now();
  queue.post_after(milliseconds(20), [&ran] { ran += "c"; });
  queue.post_after(milliseconds(5), [&ran] { ran += "a"; });
  queue.post_after(milliseconds(10), [&ran] { ran += "b"; });
  while (ran.size() < 3) queue.run_due();
  EXPECT_EQ(ran, "abc");
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(20));
}

TEST(WorkQueue, RunsWhatIsReadyBeforeATimerThatIsNotDue) {
  WorkQueue queue;
  bool expired = false;
  bool ran = false;
  queue.post_after(hours(1), [&expired] { expired = true; });
  queue.post([&ran] { ran = true; });
  queue.run_due();
  EXPECT_TRUE(ran);
  EXPECT_FALSE(expired);
  EXPECT_TRUE(queue.idle());
}

// Another thread runs a queue whose only timer is far off, while `add` gives it work. Many rounds,
// so that the queue's thread waits already in some of them.
void expect_to_wake(void (*add)(WorkQueue& queue, WorkQueue::Work work)) {
  constexpr int kRounds = 200;
  WorkQueue queue;
  std::binary_semaphore done(0);
  queue.post_after(hours(1), [] { FAIL() << "nobody waits for an hour"; });
  std::thread runner([&queue] {
    for (int round = 0; round < kRounds; ++round) queue.run_due();
  });
  for (int round = 0; round < kRounds; ++round) {
    add(queue, [&done] { done.release(); });
    done.acquire();
  }
  runner.join();
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueue, WakesForWorkOfAnotherThreadWhileItWaitsForATimer) {
  expect_to_wake([](WorkQueue& queue, WorkQueue::Work work) { queue.post(std::move(work)); });
}

TEST(WorkQueue, WakesForAnEarlierTimerWhileItWaitsForALaterOne) {
  expect_to_wake([](WorkQueue& queue, WorkQueue::Work work) {
    queue.post_after(milliseconds(0), std::move(work));
  });
}

TEST(WorkQueue, FreesWhatWasNeverRunWhenItGoes) {
  const auto held = std::make_shared<int>(1);
  {
    WorkQueue queue;
    queue.post([held] { FAIL() << "this is not run"; });
    queue.post_after(hours(1), [held] { FAIL() << "this is not run"; });
    EXPECT_EQ(held.use_count(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace visor::async
