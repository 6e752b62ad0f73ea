#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace visor {
namespace {

TEST(RandomBytes, HaveTheAskedLengthAndDiffer) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(1).size(), 1U);
  // More than one call of getrandom gives without a chance to be cut short.
  EXPECT_EQ(random_bytes(100000).size(), 100000U);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

TEST(RandomUuid, IsOfVersionFourAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_uuid();
    EXPECT_TRUE(is_uuid(id)) << id;
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(UuidForm, IsLowerCaseWithFourHyphens) {
  EXPECT_TRUE(is_uuid("53ce33ab-1d53-4a7d-8f65-3f4a8b4a6d23"));
  EXPECT_TRUE(is_uuid("00000000-0000-0000-0000-000000000000"));
  for (const char* text :
       {"", "53CE33AB-1d53-4a7d-8f65-3f4a8b4a6d23", "53ce33ab1d534a7d8f653f4a8b4a6d23",
        "53ce33ab-1d53-4a7d-8f65-3f4a8b4a6d2", "53ce33ab-1d53-4a7d-8f65-3f4a8b4a6d2g",
        "53ce33ab-1d53-4a7d-8f65-3f4a8b4a6d23a", "53ce33ab-1d53-4a7d-8f653-f4a8b4a6d23",
        "../../../../../../etc/passwd-aaaaaaa"}) {
    EXPECT_FALSE(is_uuid(text)) << text;
  }
}

}  // namespace
}  // namespace visor
