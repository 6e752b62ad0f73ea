#include <fcntl.h>
#include <gtest/gtest.h>

#include "store/file_source.h"
#include "store/key.h"
#include "store/store_set.h"

namespace visor::store {
namespace {

TEST(Key, HasOnlyPlainCharacters) {
  EXPECT_TRUE(check_key("3f/2a9c1e7e-0000-4000-8000-000000000000"));
  EXPECT_TRUE(check_key("-"));
  for (const char* key : {"", "/a", "a/", "a//b", "..", "A", "a.b", "a\\b"}) {
    EXPECT_FALSE(check_key(key)) << key;
  }
}

TEST(Extent, IsCutAtTheEndWithoutOverflow) {
  EXPECT_EQ(extent_of({3, ~std::uint64_t{0}}, 10)->length, 7u);
  EXPECT_EQ(extent_of({10, std::nullopt}, 10)->length, 0u);
  EXPECT_EQ(extent_of({11, 0}, 10).error().code, Code::range);
}

TEST(Descriptor, StaysBeneathItsFolder) {
  const Descriptor folder(open_beneath(AT_FDCWD, ".", O_DIRECTORY));
  ASSERT_TRUE(folder);
  EXPECT_LT(open_beneath(folder.get(), "..", 0), 0);
  EXPECT_LT(open_beneath(folder.get(), "/etc/passwd", 0), 0);
}

TEST(StoreSet, KnowsNoStoreForAnUnknownSchemeOrNoSchemeAtAll) {
  const StoreSet set;
  EXPECT_EQ(set.for_location("gopher://host/x").store, nullptr);
  EXPECT_EQ(set.for_location("no-scheme").store, nullptr);
  EXPECT_EQ(set.named("none"), nullptr);
  EXPECT_TRUE(set.names().empty());
}

}  // namespace
}  // namespace visor::store
