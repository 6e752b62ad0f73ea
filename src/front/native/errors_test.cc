#include "front/native/errors.h"

#include <gtest/gtest.h>

#include <set>

#include "http/test_request.h"

namespace visor::front::native {
namespace {

using http::TestRequest;

constexpr Code kAllCodes[] = {
    Code::invalid,      Code::unauthenticated, Code::forbidden, Code::not_found, Code::conflict,
    Code::precondition, Code::range,           Code::too_large, Code::quota,     Code::rate_limited,
    Code::unsupported,  Code::unavailable,     Code::no_space,  Code::timeout,   Code::too_slow,
    Code::cancelled,    Code::corrupt,         Code::internal};

TEST(Errors, TodaysCallersGetTheFinerStatuses) {
  const std::pair<Code, int> cases[] = {
      {Code::invalid, 400},      {Code::unauthenticated, 403}, {Code::forbidden, 403},
      {Code::not_found, 404},    {Code::conflict, 409},        {Code::precondition, 412},
      {Code::range, 416},        {Code::too_large, 413},       {Code::quota, 413},
      {Code::rate_limited, 429}, {Code::no_space, 507},        {Code::unavailable, 503},
      {Code::timeout, 503},      {Code::too_slow, 408},        {Code::internal, 500}};
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(status_of(code, Dialect::today), status) << to_string(code);
  }
}

TEST(Errors, ClassicCallersGetOnlyWhatTheyKnow) {
  const std::set<int> known = {400, 403, 404, 409, 500, 503};
  for (const Code code : kAllCodes) {
    EXPECT_TRUE(known.contains(status_of(code, Dialect::classic))) << to_string(code);
  }
  EXPECT_EQ(status_of(Code::no_space, Dialect::classic), 503);
  EXPECT_EQ(status_of(Code::rate_limited, Dialect::classic), 503);
  EXPECT_EQ(status_of(Code::too_slow, Dialect::classic), 503);
  EXPECT_EQ(status_of(Code::quota, Dialect::classic), 403);
  EXPECT_EQ(status_of(Code::too_large, Dialect::classic), 403);
  for (int status = 400; status < 600; ++status) {
    const ErrorForm classic{.dialect = Dialect::classic};
    EXPECT_TRUE(known.contains(refusal(status, "x", classic).status)) << status;
  }
}

Dialect dialect_with(std::initializer_list<std::pair<const char*, const char*>> fields,
                     const char* target = "/images") {
  TestRequest request("GET", target);
  for (const auto& [name, value] : fields) request.with(name, value);
  return dialect_of(request.head);
}

TEST(Errors, TheSchemeOfTheSignatureDecidesTheDialect) {
  EXPECT_EQ(dialect_with({{"Authorization", "VISOR ada:c2ln"}}), Dialect::classic);
  EXPECT_EQ(
      dialect_with({{"Authorization", "AWS4-HMAC-SHA256 Credential=x"}, {"User-Agent", "Ruby"}}),
      Dialect::today);
  EXPECT_EQ(dialect_with({{"User-Agent", "Ruby"}},
                         "/images?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"),
            Dialect::today);
}

TEST(Errors, UnsignedRequestsAreJudgedByTheirUserAgent) {
  EXPECT_EQ(dialect_with({}), Dialect::today);
  EXPECT_EQ(dialect_with({{"User-Agent", "Ruby"}}), Dialect::classic);
  EXPECT_EQ(dialect_with({{"User-Agent", "EventMachine HttpClient"}}), Dialect::classic);
  EXPECT_EQ(dialect_with({{"User-Agent", "VISOR Image Service client"}}), Dialect::classic);
  EXPECT_EQ(dialect_with({{"User-Agent", "visor/1.0"}}), Dialect::today);
  EXPECT_EQ(dialect_with({{"User-Agent", "curl/7.88"}}), Dialect::today);
}

TEST(Errors, AnErrorIsADocumentOfTheKindAskedFor) {
  const Error error{Code::not_found, "no image has the id \"x\"", "trail", Retry::never};
  const auto json = error_answer(error, {});
  EXPECT_EQ(json.status, 404);
  EXPECT_EQ(header_of(json, "content-type"), "application/json");
  EXPECT_EQ(json.text, R"({"code":404,"message":"no image has the id \"x\""})");
  const auto xml = error_answer(error, {.kind = DocumentKind::xml});
  EXPECT_EQ(header_of(xml, "content-type"), "application/xml");
  EXPECT_NE(xml.text.find("<error><code>404</code><message>no image"), std::string::npos);
}

TEST(Errors, AHeadErrorCarriesItsMessageInAHeader) {
  const Error error{Code::not_found, "no image has the id ö", {}, Retry::never};
  const auto answer = error_answer(error, {.head = true});
  EXPECT_EQ(answer.status, 404);
  EXPECT_TRUE(answer.text.empty());
  EXPECT_EQ(header_of(answer, "x-error-message"), "no image has the id ö");
  EXPECT_EQ(answer.unsent_length, error_answer(error, {}).text.size());
}

TEST(Errors, AMessageThatAHeaderCannotCarryIsEncoded) {
  const Error error{Code::invalid, "two\r\nlines", {}, Retry::never};
  const auto answer = error_answer(error, {.head = true});
  EXPECT_EQ(header_of(answer, "x-error-message"), "two%0D%0Alines");
  EXPECT_EQ(header_of(answer, "x-visor-encoded"), "x-error-message");
}

TEST(Errors, AnInternalErrorShowsNothingButItsRequestId) {
  const Error error{Code::internal, "assertion 42 in table users", "catalogue.get", Retry::never};
  const auto answer = error_answer(error, {.request_id = "r-17"});
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.text.find("assertion"), std::string::npos);
  EXPECT_EQ(answer.text.find("catalogue"), std::string::npos);
  EXPECT_NE(answer.text.find("r-17"), std::string::npos);
}

TEST(Errors, OverloadSaysWhenToComeBack) {
  EXPECT_EQ(
      header_of(error_answer({Code::unavailable, "busy", {}, Retry::later}, {}), "Retry-After"),
      "5");
  EXPECT_EQ(header_of(error_answer({Code::invalid, "no", {}, Retry::never}, {}), "Retry-After"),
            "");
}

TEST(Errors, AWrongMethodIsAnsweredWithThoseAllowed) {
  const auto today = method_refusal({"GET", "POST"}, {});
  EXPECT_EQ(today.status, 405);
  EXPECT_EQ(header_of(today, "Allow"), "GET, POST");
  const auto classic = method_refusal({"GET", "POST"}, {.dialect = Dialect::classic});
  EXPECT_EQ(classic.status, 404);
  EXPECT_EQ(header_of(classic, "Allow"), "");
  EXPECT_EQ(classic.text, R"({"code":404,"message":"Invalid operation or path."})");
}

}  // namespace
}  // namespace visor::front::native
