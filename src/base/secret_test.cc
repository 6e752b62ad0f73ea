#include "base/secret.h"

#include <gtest/gtest.h>

#include <array>
#include <new>
#include <ostream>

namespace visor {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, CannotBePrintedOrTurnedIntoATextByAccident) {
  EXPECT_FALSE(Streamable<Secret>);
  EXPECT_FALSE((std::is_convertible_v<Secret, std::string>));
  EXPECT_FALSE((std::is_convertible_v<Secret, std::string_view>));
  EXPECT_FALSE((std::is_convertible_v<std::string, Secret>));
}

TEST(Secret, KeepsItsValueThroughCopiesAndMoves) {
  for (const std::string value : {"short", "a secret that is too long for the small buffer"}) {
    Secret first{value};
    Secret copy(first);
    EXPECT_EQ(copy.reveal(), value);
    Secret moved(std::move(first));
    EXPECT_EQ(moved.reveal(), value);
    Secret assigned;
    assigned = copy;
    EXPECT_EQ(assigned.reveal(), value);
    Secret taken{std::string("something else")};
    taken = std::move(copy);
    EXPECT_EQ(taken.reveal(), value);
  }
}

TEST(Secret, IsEmptyAfterItWasMovedFrom) {
  Secret source{std::string("short")};
  Secret target(std::move(source));
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_FALSE(target.empty());
}

TEST(Secret, SurvivesAssignmentToItself) {
  Secret secret{std::string("itself")};
  Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.reveal(), "itself");
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), "itself");
}

TEST(Secret, LeavesNoTraceWhereItLay) {
  alignas(Secret) std::array<unsigned char, sizeof(Secret)> memory{};
  auto* secret = new (memory.data()) Secret(std::string("tracetrace"));
  ASSERT_EQ(secret->reveal(), "tracetrace");
  secret->~Secret();
  const std::string_view left(reinterpret_cast<const char*>(memory.data()), memory.size());
  EXPECT_EQ(left.find("trace"), std::string_view::npos);
}

TEST(Secret, LeavesNoTraceWhereItWasMovedFrom) {
  Secret source{std::string("tracetrace")};
  const Secret target(std::move(source));
  const std::string_view left(reinterpret_cast<const char*>(&source), sizeof source);
  EXPECT_EQ(left.find("race"), std::string_view::npos);
}

TEST(Secret, ComparesByValue) {
  EXPECT_TRUE(Secret(std::string("a")) == Secret(std::string("a")));
  EXPECT_FALSE(Secret(std::string("a")) == Secret(std::string("b")));
  EXPECT_FALSE(Secret(std::string("a")) == Secret());
}

}  // namespace
}  // namespace visor
