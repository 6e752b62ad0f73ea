#include "import_patience.h"

#include <gtest/gtest.h>

#include <thread>

namespace visor::command {
namespace {

using client::Failure;
using client::Outcome;
using std::chrono::minutes;
using std::chrono::seconds;

Failure answered(int status, seconds retry_after = {}) {
  return Failure{Error{client::code_of_status(status), "it answered", {}, Retry::never},
                 status,
                 {},
                 false,
                 retry_after};
}

Failure busy() {
  return client::connection_failure(Code::unavailable, "busy", Retry::later).error();
}

TEST(ImportPatience, HasNoneForWhatStaysAsItIs) {
  for (const int status : {400, 401, 403, 404, 409, 413, 415}) {
    EXPECT_FALSE(may_pass(answered(status))) << status;
  }
  EXPECT_FALSE(may_pass(client::local_failure(Code::invalid, "a file").error()));
  EXPECT_FALSE(may_pass(
      client::connection_failure(Code::unavailable, "its certificate", Retry::never).error()));
  EXPECT_TRUE(may_pass(busy()));
  EXPECT_TRUE(may_pass(answered(408)));
  EXPECT_TRUE(may_pass(answered(500)));
}

TEST(ImportPatience, PausesLongerAndLongerUpToSixteenSeconds) {
  EXPECT_EQ(pause_after(1, busy()), seconds(1));
  EXPECT_EQ(pause_after(2, busy()), seconds(2));
  EXPECT_EQ(pause_after(5, busy()), seconds(16));
  EXPECT_EQ(pause_after(50, busy()), seconds(16));
}

TEST(ImportPatience, PausesAsLongAsItIsAskedToButNotForHours) {
  EXPECT_EQ(pause_after(1, answered(429, seconds(30))), seconds(30));
  EXPECT_EQ(pause_after(4, answered(429, seconds(3))), seconds(8));
  EXPECT_EQ(pause_after(1, answered(429, std::chrono::hours(5))), minutes(5));
}

TEST(ImportPatience, AsksNoMoreOnceItIsOver) {
  StopSignal stop;
  int asked = 0;
  std::thread other;
  const auto begun = std::chrono::steady_clock::now();
  const auto done = patiently(5, stop, [&]() -> Outcome<void> {
    ++asked;
    if (!other.joinable()) other = std::thread([&] { stop.stop(); });
    return std::unexpected(answered(503, minutes(5)));
  });
  other.join();
  EXPECT_FALSE(done);
  EXPECT_EQ(asked, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, minutes(1));
}

TEST(ImportPatience, AsksAsOftenAsItIsTold) {
  StopSignal stop;
  int asked = 0;
  EXPECT_FALSE(patiently(1, stop, [&]() -> Outcome<void> {
    ++asked;
    return std::unexpected(busy());
  }));
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(patiently(2, stop, [&]() -> Outcome<void> {
    if (++asked == 2) return std::unexpected(busy());
    return {};
  }));
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace visor::command
