#include "net/deadlines.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace visor::net {
namespace {

struct Noted : Deadlines::Node {
  Noted() : Node(&Noted::fire) {}
  static void fire(Node& node) { static_cast<Noted&>(node).fired = true; }
  bool fired = false;
};

TEST(Deadlines, FireExactlyThoseWhoseTimeHasComeWhateverWasMovedBefore) {
  std::mt19937 random(7);
  Deadlines deadlines;
  std::vector<Noted> nodes(300);
  const Deadlines::TimePoint start{};
  std::vector<int> due(nodes.size(), -1);
  for (int step = 0; step < 5000; ++step) {
    const std::size_t i = random() % nodes.size();
    if (random() % 4 == 0) {
      deadlines.disarm(nodes[i]);
      due[i] = -1;
    } else {
      due[i] = static_cast<int>(random() % 1000);
      deadlines.arm(nodes[i], start + std::chrono::seconds(due[i]));
    }
  }
  for (int now = 0; now <= 1000; now += 50) {
    deadlines.fire_due(start + std::chrono::seconds(now));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      ASSERT_EQ(nodes[i].fired, due[i] >= 0 && due[i] <= now) << i;
      ASSERT_EQ(nodes[i].armed(), due[i] > now);
    }
  }
  EXPECT_TRUE(deadlines.empty());
}

}  // namespace
}  // namespace visor::net
