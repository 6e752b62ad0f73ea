#include "http/router.h"

#include <gtest/gtest.h>

#include "async/executor.h"

namespace visor::http {
namespace {

using Names = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

class RouterTest : public testing::Test {
 protected:
  void add(const char* method, const char* pattern) {
    const std::string name = std::string(method) + " " + pattern;
    router.add(method, pattern, [this, name](Request&, const Parameters&) -> async::Task<Response> {
      called = name;
      return no_response();
    });
  }
  static async::Task<Response> no_response() { co_return Response{}; }

  // Which route answers, or "".
  std::string route(std::string_view method, std::string_view path) {
    const Router::Match match = router.match(method, path);
    parameters = match.parameters;
    called.clear();
    if (match.action == nullptr) return "";
    const RequestHead head;
    const auto body = async::text_source("");
    Request request{head, *body, "", "", "", false, ""};
    async::run_until_done((*match.action)(request, match.parameters));
    return called;
  }

  void SetUp() override {
    add("GET", "/images");
    add("POST", "/images");
    add("GET", "/images/{id}");
    add("GET", "/images/detail");
    add("GET", "/images/{id}/copies/{copy}");
  }

  Router router;
  std::string called;
  Parameters parameters;
};

TEST_F(RouterTest, FindsTheRouteOfAMethodAndAPath) {
  EXPECT_EQ(route("GET", "/images"), "GET /images");
  EXPECT_EQ(route("POST", "/images"), "POST /images");
  EXPECT_EQ(route("GET", "/images/7"), "GET /images/{id}");
  EXPECT_EQ(parameters, Names{"7"});
  EXPECT_EQ(route("GET", "/images/7/copies/x"), "GET /images/{id}/copies/{copy}");
  EXPECT_EQ(parameters, (Names{"7", "x"}));
}

TEST_F(RouterTest, PrefersALiteralToAParameter) {
  EXPECT_EQ(route("GET", "/images/detail"), "GET /images/detail");
}

TEST_F(RouterTest, FoldsSlashes) {
  EXPECT_EQ(route("GET", "//images///7//"), "GET /images/{id}");
  EXPECT_EQ(route("GET", "/images/"), "GET /images");
}

TEST_F(RouterTest, DecodesASegmentAfterItWasCutOut) {
  EXPECT_EQ(route("GET", "/images/a%2Fb"), "GET /images/{id}");
  EXPECT_EQ(parameters, Names{"a/b"});
  EXPECT_EQ(route("GET", "/images/%2525"), "GET /images/{id}");
  EXPECT_EQ(parameters, Names{"%25"});
  EXPECT_EQ(route("GET", "/im%61ges"), "GET /images");
}

TEST_F(RouterTest, MatchesNothingThatCouldLeadElsewhere) {
  for (const char* path :
       {"/images/..", "/images/.", "/images/%2e%2e", "/images/%2E", "/images/a%00b", "/images/%zz",
        "/images/%2", "images", "", "*", "/", "/images/7/copies"}) {
    EXPECT_EQ(route("GET", path), "") << path;
    EXPECT_TRUE(router.match("GET", path).allowed.empty()) << path;
  }
}

TEST_F(RouterTest, NamesTheMethodsThatAPathKnows) {
  const Router::Match match = router.match("DELETE", "/images");
  EXPECT_EQ(match.action, nullptr);
  EXPECT_EQ(match.allowed, (Names{"GET", "POST"}));
}

TEST_F(RouterTest, TakesALiteralForNoParameterWhateverTheMethod) {
  add("DELETE", "/images/{id}");
  EXPECT_EQ(route("DELETE", "/images/7"), "DELETE /images/{id}");
  const Router::Match match = router.match("DELETE", "/images/detail");
  EXPECT_EQ(match.action, nullptr);
  EXPECT_EQ(match.allowed, Names{"GET"});
  EXPECT_EQ(router.match("POST", "/images/7").allowed, (Names{"GET", "DELETE"}));
}

TEST(Router, ListsItsRoutesInTheOrderTheyWereAdded) {
  Router router;
  const Action action = [](Request&, const Parameters&) -> async::Task<Response> {
    co_return Response{};
  };
  router.add("GET", "/images/{id}/", action);
  router.add("POST", "//images", action);
  router.add("GET", "/", action);
  EXPECT_EQ(router.listed(), (Pairs{{"GET", "/images/{id}"}, {"POST", "/images"}, {"GET", "/"}}));
}

TEST(FoldSlashes, LeavesOneOfEach) {
  EXPECT_EQ(fold_slashes("//a///b/"), "/a/b");
  EXPECT_EQ(fold_slashes("///"), "/");
  EXPECT_EQ(fold_slashes("/"), "/");
  EXPECT_EQ(fold_slashes(""), "");
  EXPECT_EQ(fold_slashes("/a%2F%2Fb"), "/a%2F%2Fb");
}

TEST(ParseQuery, DecodesPairsInTheirOrder) {
  EXPECT_EQ(parse_query("a=1&b=x+y%2B&a=&c&=d&&e=f=g"),
            (Pairs{{"a", "1"}, {"b", "x y+"}, {"a", ""}, {"c", ""}, {"", "d"}, {"e", "f=g"}}));
  EXPECT_EQ(parse_query(""), Pairs{});
}

TEST(ParseQuery, RefusesBrokenEscapesAndBytesThatAreNoText) {
  EXPECT_EQ(parse_query("a=%"), std::nullopt);
  EXPECT_EQ(parse_query("a%2=1"), std::nullopt);
  EXPECT_EQ(parse_query("a=%ff"), std::nullopt);
  EXPECT_EQ(parse_query("a=%c0%af"), std::nullopt);
}

}  // namespace
}  // namespace visor::http
