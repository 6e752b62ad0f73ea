#include "client/image_api.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/body_source.h"
#include "client/test_server.h"

namespace visor::client {
namespace {

using document::Value;

/// Gives the texts one after the other, and the last one for ever.
TokenSource::Fetch tokens_in_turn(std::vector<std::string> texts) {
  return [texts = std::move(texts), at = std::size_t{0}]() mutable -> Outcome<Secret> {
    const std::string& text = texts[std::min(at, texts.size() - 1)];
    ++at;
    return Secret(text);
  };
}

Connection to(const TestServer& server) {
  Connection connection;
  connection.address = parse_address("127.0.0.1:" + std::to_string(server.port())).value();
  return connection;
}

/// Answers who shows one of the tokens, and nobody else.
TestServer::Handler taking(std::string token, Reply answer) {
  return [=](const SeenRequest& request) {
    return request.headers.find("x-auth-token") == token ? answer : reply(401, {}, "{}");
  };
}

std::vector<std::string> tokens_seen(const TestServer& server) {
  std::vector<std::string> tokens;
  for (const SeenRequest& request : server.seen()) {
    tokens.emplace_back(request.headers.find("x-auth-token"));
  }
  return tokens;
}

TEST(ImageApi, GivesAPageAndTheQueryOfTheNextOne) {
  const TestServer server([](const SeenRequest& request) {
    return request.target.contains("marker=b") ? reply(200, {}, R"({"images": [{"id": "c"}]})")
                                               : reply(200, {},
                                                       R"({"images": [{"id": "a"}, {"id": "b"}],
                           "next": "/behind/a/proxy/v2/images?limit=2&marker=b"})");
  });
  TokenSource nobody(no_token());
  ImageApi api(to(server), nobody);
  const auto first = api.list("limit=2");
  ASSERT_TRUE(first) << first.error().error.message;
  EXPECT_EQ(first->images.size(), 2U);
  ASSERT_EQ(first->next, "limit=2&marker=b");
  const auto second = api.list(*first->next);
  ASSERT_EQ(second->images.size(), 1U);
  EXPECT_EQ(*second->images[0].text("id"), "c");
  EXPECT_FALSE(second->next);
  EXPECT_EQ(server.seen()[1].target, "/v2/images?limit=2&marker=b");
}

TEST(ImageApi, TakesNoOtherDocumentForAPage) {
  for (const char* body : {"<html>", "[]", "{}", R"({"images": {}})", R"({"images": [{}]})",
                           R"({"images": [], "next": "/v2/images"})"}) {
    const TestServer server([body](const SeenRequest&) { return reply(200, {}, body); });
    TokenSource nobody(no_token());
    const auto page = ImageApi(to(server), nobody).list("");
    ASSERT_FALSE(page) << body;
    EXPECT_TRUE(page.error().error.message.contains("is none of the Image API v2")) << body;
  }
}

TEST(ImageApi, GetsAnotherTokenWhenOneHasRunOut) {
  const TestServer server(taking("second", reply(200, {}, R"({"id": "a"})")));
  TokenSource tokens(tokens_in_turn({"first", "second"}));
  ImageApi api(to(server), tokens);
  EXPECT_TRUE(api.show("a"));
  EXPECT_TRUE(api.show("a"));
  EXPECT_EQ(tokens_seen(server), (std::vector<std::string>{"first", "second", "second"}));
}

TEST(ImageApi, GivesUpWhenTheOtherTokenIsNotTakenEither) {
  const TestServer server(taking("none", reply(200, {}, "{}")));
  TokenSource tokens(tokens_in_turn({"first", "second", "third"}));
  const auto shown = ImageApi(to(server), tokens).show("a");
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().error.code, Code::unauthenticated);
  EXPECT_EQ(tokens_seen(server), (std::vector<std::string>{"first", "second"}));
}

TEST(ImageApi, SaysWhyThereIsNoOtherToken) {
  const TestServer server(taking("none", reply(200, {}, "{}")));
  const auto then = [&](std::unexpected<Failure> failure) {
    TokenSource tokens([failure, begun = false]() mutable -> Outcome<Secret> {
      if (!std::exchange(begun, true)) return Secret("first");
      return failure;
    });
    return ImageApi(to(server), tokens).show("a").error();
  };
  const Failure away = then(connection_failure(Code::unavailable, "it is away", Retry::later));
  EXPECT_EQ(away.error.message, "it is away");
  EXPECT_EQ(away.error.code, Code::unavailable);
  // What doesn't pass spares all other images the same question.
  const Failure gone = then(local_failure(Code::invalid, "the file is gone"));
  EXPECT_EQ(gone.error.message, "the file is gone");
  EXPECT_EQ(gone.error.code, Code::unauthenticated);
}

TEST(ImageApi, LeavesAnUploadWhoseTokenHasRunOutToBeSentAnew) {
  const TestServer server([](const SeenRequest& request) {
    if (request.headers.find("x-auth-token") == "second") return reply(204, {}, "");
    return Reply{reply_text(401, {}, "{}", 2), false};
  });
  TokenSource tokens(tokens_in_turn({"first", "second"}));
  ImageApi api(to(server), tokens);
  const auto refused = api.upload("a", *text_body("data"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.retry, Retry::later);
  EXPECT_TRUE(api.upload("a", *text_body("data")));
  const SeenRequest last = server.seen().back();
  EXPECT_EQ(last.method + " " + last.target + " " + last.body, "PUT /v2/images/a/file data");
  EXPECT_EQ(last.headers.find("x-openstack-image-size"), "4");
}

TEST(ImageApi, TellsHowLongABusyServerWantsToBeLeftAlone) {
  const auto pause = [](const char* retry_after) {
    const TestServer server([&](const SeenRequest&) {
      return reply(429, {{"Retry-After", retry_after}}, R"({"message": "too many requests"})");
    });
    TokenSource nobody(no_token());
    const Failure failure = ImageApi(to(server), nobody).show("a").error();
    EXPECT_EQ(failure.error.code, Code::rate_limited);
    EXPECT_EQ(failure.error.retry, Retry::later);
    return failure.retry_after.count();
  };
  EXPECT_EQ(pause("17"), 17);
  EXPECT_EQ(pause("soon"), 0);
  EXPECT_EQ(pause("-5"), 0);
  EXPECT_EQ(pause("Fri, 15 Jun 2012 21:05:20 GMT"), 0);
  EXPECT_EQ(pause("Fri, 31 Dec 2999 23:59:59 GMT"), 24 * 3600);
  EXPECT_EQ(pause("99999999999999"), 24 * 3600);
}

TEST(ImageApi, FindsTheSentenceInAnErrorsMarkup) {
  EXPECT_EQ(
      plain_sentence("<html>\n <body><h1>403 Forbidden</h1> It isn&#x27;t yours.<br /></body>"),
      "403 Forbidden It isn't yours.");
  EXPECT_EQ(plain_sentence("5 < 6 &amp; 7"), "5 < 6 & 7");
}

}  // namespace
}  // namespace visor::client
