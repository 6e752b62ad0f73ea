#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

namespace visor {
namespace {

Result<int> refuse() { return fail(Code::not_found, "no image has this id", "find id=1"); }

TEST(ErrorValue, CarriesItsTrailFromOutsideIn) {
  auto result = refuse();
  ASSERT_FALSE(result);
  const Error error = std::move(result.error()).at("get").at("service");
  EXPECT_EQ(error.where, "service: get: find id=1");
  EXPECT_EQ(Error{}.at("alone").where, "alone");
}

TEST(ErrorValue, PassesThroughAnotherResultType) {
  auto result = refuse();
  const auto passed = [&]() -> Result<std::string> { return pass(result); }();
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error().code, Code::not_found);
  EXPECT_EQ(passed.error().message, "no image has this id");
}

TEST(ErrorValue, AdvisesToTryAgainOnlyForTransientCodes) {
  for (const auto code : {Code::rate_limited, Code::unavailable, Code::timeout, Code::too_slow}) {
    EXPECT_EQ(fail(code, "x").error().retry, Retry::later);
  }
  for (const auto code : {Code::invalid, Code::corrupt, Code::internal, Code::no_space}) {
    EXPECT_EQ(fail(code, "x").error().retry, Retry::never);
  }
}

TEST(ErrorCodes, HaveDifferentNames) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    names.insert(to_string(static_cast<Code>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::internal) + 1);
}

TEST(SystemCallErrors, MapToCodesAndKeepTheErrnoOutOfTheMessage) {
  EXPECT_EQ(fail_errno(ENOSPC, "write", "").error().code, Code::no_space);
  EXPECT_EQ(fail_errno(EDQUOT, "write", "").error().code, Code::no_space);
  EXPECT_EQ(fail_errno(EMFILE, "open", "").error().code, Code::unavailable);
  EXPECT_EQ(fail_errno(ENOENT, "open", "").error().code, Code::not_found);
  const auto unknown = fail_errno(EBADF, "write the image data", "file.write key=a").error();
  EXPECT_EQ(unknown.code, Code::internal);
  EXPECT_EQ(unknown.message.find("cannot write the image data"), 0U);
  EXPECT_EQ(unknown.message.find("errno"), std::string::npos);
  EXPECT_NE(unknown.where.find("file.write key=a errno="), std::string::npos);
}

}  // namespace
}  // namespace visor
