#include "front/operations/readiness.h"

#include <gtest/gtest.h>

namespace visor::front::operations {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReadinessTest : public testing::Test {
 protected:
  std::string reason(Readiness::Time at) const {
    const auto verdict = readiness_.verdict(at);
    return verdict ? "ready" : verdict.error().message;
  }

  const Readiness::Time start_{seconds(1000)};
  Readiness readiness_{seconds(2)};
};

TEST_F(ReadinessTest, IsNotThereBeforeTheFirstExaminationIsOver) {
  EXPECT_EQ(reason(start_), "the server is starting");
  readiness_.examine("the catalogue", start_);
  EXPECT_EQ(reason(start_), "the server is starting");
  readiness_.finish({});
  EXPECT_EQ(reason(start_), "ready");
}

TEST_F(ReadinessTest, TellsTheReasonOfAFailureUntilTheNextExaminationGoesWell) {
  readiness_.finish(fail(Code::unavailable, "the disk is gone", "secret detail"));
  EXPECT_EQ(reason(start_), "the disk is gone");
  readiness_.examine("the catalogue", start_);
  EXPECT_EQ(reason(start_), "the disk is gone");
  readiness_.finish({});
  EXPECT_EQ(reason(start_), "ready");
}

TEST_F(ReadinessTest, EndsWhenAPartDoesNotAnswerInTimeAndComesBackWhenItDoes) {
  readiness_.finish({});
  readiness_.examine("the store file", start_);
  EXPECT_EQ(reason(start_ + seconds(2)), "ready");
  EXPECT_EQ(reason(start_ + milliseconds(3100)), "the store file has not answered for 3 s");
  readiness_.finish({});
  EXPECT_EQ(reason(start_ + seconds(4)), "ready");
}

TEST_F(ReadinessTest, CountsThePatienceForEachPartAnew) {
  readiness_.finish({});
  readiness_.examine("the catalogue", start_);
  readiness_.examine("the store file", start_ + milliseconds(1500));
  EXPECT_EQ(reason(start_ + milliseconds(3000)), "ready");
}

TEST_F(ReadinessTest, IsOverForGoodWhenTheServerStops) {
  readiness_.finish({});
  readiness_.stop();
  EXPECT_EQ(reason(start_), "the server is stopping");
  readiness_.finish({});
  EXPECT_EQ(reason(start_), "the server is stopping");
}

}  // namespace
}  // namespace visor::front::operations
