#include "base/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace visor {
namespace {

int opened() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

TEST(Descriptor, OwnsNoneUntilItIsGivenOne) {
  const Descriptor none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.get(), -1);
}

TEST(Descriptor, ClosesWhatItOwnsOnceItGoes) {
  const int number = opened();
  ASSERT_GE(number, 0);
  {
    const Descriptor owner(number);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.get(), number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, ClosesWhatItOwnedWhenItTakesOverAnother) {
  const int first = opened();
  const int second = opened();
  Descriptor owner(first);
  Descriptor other(second);
  owner = std::move(other);
  EXPECT_EQ(owner.get(), second);
  EXPECT_FALSE(is_open(first));
  EXPECT_TRUE(is_open(second));
}

TEST(Descriptor, LeavesOpenWhatItGaveAway) {
  Descriptor owner(opened());
  const int number = owner.release();
  EXPECT_FALSE(owner);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(Descriptor, ClosesOnlyOnce) {
  Descriptor owner(opened());
  const int number = owner.get();
  owner.close();
  EXPECT_FALSE(owner);
  EXPECT_FALSE(is_open(number));
  // The number may be somebody else's by now.
  const Descriptor next(opened());
  owner.close();
  EXPECT_TRUE(is_open(next.get()));
}

}  // namespace
}  // namespace visor
