#include "base/name_table.h"

#include <gtest/gtest.h>

namespace visor {
namespace {

enum class Colour { red, green, blue };
constexpr NameTable<Colour, 2> kColours{{{Colour::red, "red"}, {Colour::green, "green"}}};

TEST(NameTable, FindsTheNameOfAValueAndTheValueOfAName) {
  EXPECT_EQ(name_in(kColours, Colour::red), "red");
  EXPECT_EQ(name_in(kColours, Colour::green), "green");
  EXPECT_EQ(value_in(kColours, "red"), Colour::red);
  EXPECT_EQ(value_in(kColours, "green"), Colour::green);
}

TEST(NameTable, KnowsNothingOfWhatIsNotInIt) {
  EXPECT_EQ(name_in(kColours, Colour::blue), "");
  EXPECT_EQ(value_in(kColours, "blue"), std::nullopt);
  EXPECT_EQ(value_in(kColours, "gree"), std::nullopt);
  EXPECT_EQ(value_in(kColours, "Green"), std::nullopt);
  EXPECT_EQ(value_in(kColours, ""), std::nullopt);
}

}  // namespace
}  // namespace visor
