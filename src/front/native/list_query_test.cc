#include "front/native/list_query.h"

#include <gtest/gtest.h>

namespace visor::front::native {
namespace {

constexpr const char* kAddress = "http://127.0.0.1:4568";

ListQuery read(std::string_view query) {
  auto list = read_list_query(query, kAddress);
  EXPECT_TRUE(list) << query << ": " << (list ? "" : list.error().message);
  return list ? std::move(*list) : ListQuery{};
}

std::string refusal_of(std::string_view query) {
  const auto list = read_list_query(query, kAddress);
  EXPECT_FALSE(list) << query;
  if (list) return {};
  EXPECT_EQ(list.error().code, Code::invalid);
  return list.error().message;
}

TEST(ListQuery, AnEmptyQueryListsEverythingById) {
  const ListQuery list = read("");
  EXPECT_TRUE(list.query.filters.empty());
  EXPECT_FALSE(list.query.sort);
  EXPECT_FALSE(list.query.descending);
  EXPECT_FALSE(list.limited);
  EXPECT_FALSE(list.query.marker);
}

TEST(ListQuery, ParametersAreFiltersOnAnyAttribute) {
  const ListQuery list = read("name=Ubuntu+12.04&status=available&os%5Fversion=0777");
  ASSERT_EQ(list.query.filters.size(), 3u);
  EXPECT_EQ(list.query.filters[0].value, "Ubuntu 12.04");
  EXPECT_EQ(list.query.filters[1].attribute.name, "state");
  EXPECT_EQ(list.query.filters[1].value, "present");
  EXPECT_EQ(list.query.filters[2].attribute.name, "os_version");
  EXPECT_TRUE(list.query.filters[2].attribute.extra);
  EXPECT_EQ(list.query.filters[2].value, "0777");
}

TEST(ListQuery, SortAndDirectionOrderTheList) {
  const ListQuery list = read("sort=checksum&dir=desc");
  ASSERT_TRUE(list.query.sort);
  EXPECT_EQ(list.query.sort->name, "md5");
  EXPECT_TRUE(list.query.descending);
  EXPECT_FALSE(read("sort=_id&dir=asc").query.sort);
  EXPECT_FALSE(read("sort=&dir=").query.sort);
}

TEST(ListQuery, AccessIsOrderedByItsNativeWords) {
  EXPECT_TRUE(read("sort=access").query.descending);
  EXPECT_FALSE(read("sort=access&dir=desc").query.descending);
}

TEST(ListQuery, LimitsAreFromOneToAThousand) {
  EXPECT_EQ(read("limit=1").query.limit, 1u);
  EXPECT_EQ(read("limit=1000").query.limit, 1000u);
  EXPECT_TRUE(read("limit=7").limited);
  for (const char* query : {"limit=0", "limit=1001", "limit=-1", "limit=", "limit=ten", "limit=+5",
                            "limit=99999999999999999999"}) {
    EXPECT_NE(refusal_of(query).find("limit"), std::string::npos);
  }
}

TEST(ListQuery, WrongParametersAreRefusedBySentence) {
  EXPECT_NE(refusal_of("dir=up").find("dir"), std::string::npos);
  EXPECT_NE(refusal_of("sort=name&sort=size").find("sort"), std::string::npos);
  EXPECT_NE(refusal_of("marker=a&marker=b").find("marker"), std::string::npos);
  EXPECT_NE(refusal_of("sort=access_count").find("access_count"), std::string::npos);
  EXPECT_NE(refusal_of("name=50%").find("%25"), std::string::npos);
  EXPECT_FALSE(refusal_of("name=%ff").empty());
  EXPECT_FALSE(refusal_of("=x").empty());
}

TEST(ListQuery, FiltersOnReadsAreKeptApart) {
  const ListQuery list = read("access_count=3&name=x");
  EXPECT_EQ(list.query.filters.size(), 1u);
  ASSERT_EQ(list.reads.size(), 1u);
  EXPECT_EQ(list.reads[0].name, "access_count");
  EXPECT_EQ(next_page("/images", list, "m"), "/images?access_count=3&marker=m&name=x");
}

TEST(ListQuery, APresignedSignatureIsNoFilter) {
  const ListQuery list = read("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&name=x");
  ASSERT_EQ(list.query.filters.size(), 1u);
  EXPECT_EQ(next_page("/images", list, "m"), "/images?marker=m&name=x");
}

TEST(ListQuery, TheNextPageKeepsAllParameters) {
  const ListQuery list = read("limit=2&name=a+b%26c&marker=old&sort=size&dir=desc");
  EXPECT_EQ(list.query.marker, "old");
  EXPECT_EQ(next_page("/images/detail", list, "x=."),
            "/images/detail?dir=desc&limit=2&marker=x%3D.&name=a%20b%26c&sort=size");
  EXPECT_EQ(next_page("/images", read(""), "m"), "/images?marker=m");
}

}  // namespace
}  // namespace visor::front::native
