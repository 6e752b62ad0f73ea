#include "net/tls_ticket_keys.h"

#include <gtest/gtest.h>

namespace visor::net {
namespace {

using namespace std::chrono_literals;

class TicketKeysTest : public testing::Test {
 protected:
  TicketKeys::TimePoint start = std::chrono::steady_clock::now();
  TicketKeys keys;
};

TEST_F(TicketKeysTest, StayTheSameForAPeriodAndAreMadeAnewAfterIt) {
  const auto first = keys.current(start);
  const auto later = keys.current(start + TicketKeys::kPeriod - 1s);
  const auto next = keys.current(start + TicketKeys::kPeriod);
  ASSERT_TRUE(first && later && next);
  EXPECT_EQ(first->name, later->name);
  EXPECT_EQ(first->encryption, later->encryption);
  EXPECT_NE(first->name, next->name);
  EXPECT_NE(first->encryption, next->encryption);
  EXPECT_NE(first->authentication, next->authentication);
}

TEST_F(TicketKeysTest, AreFoundAsLongAsATicketUnderThemMayBeGoodAndForgottenThen) {
  const auto first = keys.current(start);
  ASSERT_TRUE(first);
  const auto last_use = start + TicketKeys::kPeriod - 1s;
  EXPECT_EQ(keys.current(last_use)->name, first->name);
  keys.current(start + TicketKeys::kPeriod);
  EXPECT_TRUE(keys.find(first->name, last_use + TicketKeys::kTicketLife));
  EXPECT_FALSE(keys.find(first->name, start + TicketKeys::kPeriod + TicketKeys::kTicketLife));
}

TEST_F(TicketKeysTest, AreNotFoundByANameThatNobodyGave) {
  auto key = keys.current(start);
  ASSERT_TRUE(key);
  key->name[0] ^= 1;
  EXPECT_FALSE(keys.find(key->name, start));
}

}  // namespace
}  // namespace visor::net
