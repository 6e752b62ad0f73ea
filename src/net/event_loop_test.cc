#include "net/event_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <vector>

namespace visor::net {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsWhatIsPostedInOrderOnItsThread) {
  EventLoop loop;
  loop.start("test");
  std::vector<int> order;
  std::promise<async::Executor*> last;
  for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  loop.post([&] { last.set_value(async::Executor::current()); });
  EXPECT_EQ(last.get_future().get(), &loop);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(order.size(), 100U);
}

TEST(EventLoop, RunsDelayedWorkInTheOrderOfItsTimes) {
  using Time = std::chrono::steady_clock::time_point;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  // Its time lies between the two: the loop reads the clock itself.
  struct Work {
    Time earliest;
    Time latest;
  };
  EventLoop loop;
  loop.start("test");
  const std::array<std::chrono::milliseconds, 5> delays{300ms, 100ms, 0ms, 200ms, 100ms};
  std::array<Work, delays.size()> works;
  std::vector<std::size_t> order;
  std::vector<Time> ran;
  std::promise<void> last;
  loop.post([&] {
    for (std::size_t i = 0; i < delays.size(); ++i) {
      works[i].earliest = now() + delays[i];
      loop.post_after(delays[i], [&, i] {
        ran.push_back(now());
        order.push_back(i);
        if (order.size() == delays.size()) last.set_value();
      });
      works[i].latest = now() + delays[i];
    }
  });
  last.get_future().get();
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_GE(ran[i], works[order[i]].earliest);
    for (std::size_t later = i + 1; later < order.size(); ++later) {
      EXPECT_LE(works[order[i]].earliest, works[order[later]].latest)
          << order[i] << " ran before " << order[later];
    }
  }
}

TEST(EventLoop, EndsPendingDelaysWhenItStops) {
  std::atomic<bool> ran = false;
  EventLoop loop;
  loop.start("test");
  loop.post([&] { loop.post_after(1h, [&] { ran = true; }); });
  loop.stop();
  loop.join();
  EXPECT_TRUE(ran);
}

TEST(EventLoop, MayGoWithoutEverHavingRun) {
  EventLoop loop;
  loop.post_after(1h, [] {});
}

}  // namespace
}  // namespace visor::net
