#include "interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace visor::command {
namespace {

TEST(Interrupt, IsNotedOnceAndThenEndsTheProgramAgain) {
  // The tests themselves may run where interrupts are ignored.
  const auto before = ::signal(SIGINT, SIG_DFL);
  {
    const Interrupt interrupt;
    EXPECT_FALSE(interrupt.came());
    ::raise(SIGINT);
    EXPECT_TRUE(interrupt.came());
    struct sigaction now;
    ::sigaction(SIGINT, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  }
  ::signal(SIGINT, before);
}

TEST(Interrupt, LeavesIgnoredWhatWasIgnored) {
  const auto before = ::signal(SIGINT, SIG_IGN);
  {
    const Interrupt interrupt;
    ::raise(SIGINT);
    EXPECT_FALSE(interrupt.came());
  }
  EXPECT_EQ(::signal(SIGINT, before), SIG_IGN);
}

TEST(Interrupt, LeavesTheSignalAsItWasBefore) {
  struct sigaction earlier;
  ::sigaction(SIGINT, nullptr, &earlier);
  {
    const Interrupt interrupt;
  }
  struct sigaction later;
  ::sigaction(SIGINT, nullptr, &later);
  EXPECT_EQ(earlier.sa_handler, later.sa_handler);
}

}  // namespace
}  // namespace visor::command
