#include <gtest/gtest.h>

#include "http/test_server.h"

namespace visor::http {
namespace {

using SessionTest = ServerTest;

TEST_F(SessionTest, AnswersOneRequestAfterAnotherOnOneConnection) {
  start();
  TestClient peer = client();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = peer.ask(get("/small"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "small");
    EXPECT_EQ(answer.field("content-length"), "5");
    EXPECT_EQ(answer.field("connection"), "");
    EXPECT_EQ(answer.field("x-request-id").size(), 13U);
    EXPECT_TRUE(answer.field("date").ends_with(" GMT"));
  }
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(SessionTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  TestClient peer = client();
  peer.send(put("/echo", 3) + "one" + get("/small") + put("/echo", 3) + "two" + get("/none"));
  EXPECT_EQ(peer.answer().body, "one");
  EXPECT_EQ(peer.answer().body, "small");
  EXPECT_EQ(peer.answer().body, "two");
  EXPECT_EQ(peer.answer().status, 404);
}

TEST_F(SessionTest, AnswersARequestThatComesByteByByte) {
  start();
  TestClient peer = client();
  for (const char c : put("/echo", 4) + "body") peer.send({&c, 1});
  EXPECT_EQ(peer.answer().body, "body");
}

TEST_F(SessionTest, ClosesWhenTheClientAsksForIt) {
  start();
  TestClient peer = client();
  const Answer answer = peer.ask("GET /small HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, ClosesAfterHttp10UnlessAskedToStay) {
  start();
  TestClient brief = client();
  EXPECT_EQ(brief.ask("GET /small HTTP/1.0\r\n\r\n").field("connection"), "close");
  EXPECT_TRUE(brief.ended());
  TestClient staying = client();
  for (int i = 0; i < 2; ++i) {
    const Answer answer = staying.ask("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(answer.field("connection"), "keep-alive");
    EXPECT_EQ(answer.body, "small");
  }
}

TEST_F(SessionTest, ClosesAfterTheLastRequestThatAConnectionMayMake) {
  limits.requests_per_connection = 2;
  start();
  TestClient peer = client();
  EXPECT_EQ(peer.ask(get("/small")).field("connection"), "");
  EXPECT_EQ(peer.ask(get("/small")).field("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, GivesHeadTheLengthThatGetWouldHave) {
  handler.acts["/sized"] = [](Request& request) {
    return TestHandler::source_response(
        std::make_unique<PatternSource>(7, 7, request.head.method == "HEAD"));
  };
  handler.acts["/unsent"] = [](Request&) -> async::Task<Response> {
    Response response;
    response.unsent_length = 1u << 30;
    co_return response;
  };
  start();
  TestClient peer = client();
  const auto head = [&](const char* path) {
    return peer.ask(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: t\r\n\r\n")
        .field("content-length");
  };
  EXPECT_EQ(head("/small"), "5");
  EXPECT_EQ(head("/sized"), "7");
  EXPECT_EQ(head("/unsent"), "1073741824");
  EXPECT_EQ(peer.ask(get("/small")).body, "small");
}

TEST_F(SessionTest, SendsNoBodyWith204And304) {
  const auto with = [](int status, std::optional<std::uint64_t> length) {
    return [=](Request&) -> async::Task<Response> {
      Response response;
      response.status = status;
      response.unsent_length = length;
      co_return response;
    };
  };
  handler.acts["/204"] = with(204, std::nullopt);
  handler.acts["/304"] = with(304, 99);
  handler.acts["/304-unknown"] = with(304, std::nullopt);
  start();
  TestClient peer = client();
  EXPECT_FALSE(peer.ask(get("/204")).fields.contains("content-length"));
  EXPECT_EQ(peer.ask(get("/304")).field("content-length"), "99");
  EXPECT_FALSE(peer.ask(get("/304-unknown")).fields.contains("content-length"));
  EXPECT_EQ(peer.ask(get("/small")).body, "small");
}

TEST_F(SessionTest, ReadsChunkedBodiesOfAnySize) {
  start();
  TestClient peer = client();
  const std::string large = PatternSource::text(300'000);
  std::string request = "PUT /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  request += "3;x=y\r\nabc\r\n493e0\r\n" + large + "\r\n0\r\nt: v\r\n\r\n";
  peer.send(request);
  EXPECT_EQ(peer.answer().body, "abc" + large);
  EXPECT_EQ(peer.ask(get("/small")).body, "small");
}

TEST_F(SessionTest, TellsTheHandlerOfAMalformedBodyAndClosesAfterwards) {
  start();
  TestClient peer = client();
  peer.send("PUT /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, TellsTheHandlerOfABodyThatEndsEarly) {
  start();
  TestClient peer = client();
  peer.send(put("/echo", 10) + "abc");
  peer.finish_sending();
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "the request's body ended early: 3 bytes arrived of 10");
}

TEST_F(SessionTest, InvitesABodyOnlyWhenTheHandlerReadsIt) {
  start();
  TestClient invited = client();
  EXPECT_EQ(invited.ask(put("/echo", 4, "Expect: 100-continue\r\n")).status, 100);
  EXPECT_EQ(invited.ask("body").body, "body");
  EXPECT_EQ(invited.ask(get("/small")).body, "small");

  TestClient refused = client();
  const Answer answer = refused.ask(put("/refuse", 4, "Expect: 100-continue\r\n"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_TRUE(refused.ended());

  TestClient hasty = client();
  EXPECT_EQ(hasty.ask(put("/echo", 4, "Expect: 100-continue\r\n") + "body").status, 200);
}

TEST_F(SessionTest, LetsTheClientSeeAnEarlyRefusalWhileItStillUploads) {
  start();
  TestClient peer = client();
  const std::string body(24 << 20, 'b');
  EXPECT_TRUE(peer.send(put("/refuse", body.size()) + body));
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "no");
  EXPECT_EQ(answer.field("connection"), "close");
}

TEST_F(SessionTest, DropsASmallBodyThatNobodyReadAndGoesOn) {
  start();
  TestClient peer = client();
  peer.send(put("/refuse", 5000) + std::string(5000, 'x') + get("/small"));
  EXPECT_EQ(peer.answer().status, 403);
  EXPECT_EQ(peer.answer().body, "small");
  peer.send(
      "PUT /refuse HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      get("/small"));
  EXPECT_EQ(peer.answer().status, 403);
  EXPECT_EQ(peer.answer().body, "small");
}

TEST_F(SessionTest, SendsAStreamOfUnknownSizeInChunksOrUntilTheEnd) {
  handler.acts["/stream"] = [](Request&) {
    return TestHandler::source_response(
        std::make_unique<PatternSource>(std::nullopt, 700'000, false));
  };
  start();
  TestClient peer = client();
  Answer answer = peer.ask(get("/stream"));
  EXPECT_EQ(answer.field("transfer-encoding"), "chunked");
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body, PatternSource::text(700'000));
  EXPECT_EQ(peer.ask(get("/small")).body, "small");

  TestClient old = client();
  answer = old.ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_FALSE(answer.fields.contains("transfer-encoding"));
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body, PatternSource::text(700'000));
}

TEST_F(SessionTest, SendsAStreamOfKnownSizeWhole) {
  for (const std::uint64_t size : {0ul, 1ul, 262'144ul, 262'145ul, 1'000'000ul}) {
    handler.acts["/" + std::to_string(size)] = [size](Request&) {
      return TestHandler::source_response(std::make_unique<PatternSource>(size, size, false));
    };
  }
  start();
  TestClient peer = client();
  for (const std::uint64_t size : {0ul, 1ul, 262'144ul, 262'145ul, 1'000'000ul}) {
    const Answer answer = peer.ask(get("/" + std::to_string(size)));
    EXPECT_EQ(answer.field("content-length"), std::to_string(size));
    EXPECT_EQ(answer.body, PatternSource::text(size));
  }
}

TEST_F(SessionTest, NeverLetsABrokenStreamLookComplete) {
  const auto source = [](std::optional<std::uint64_t> said, std::uint64_t real, bool fails) {
    return [=](Request&) {
      return TestHandler::source_response(std::make_unique<PatternSource>(said, real, fails));
    };
  };
  handler.acts["/fails"] = source(1'000'000, 600'000, true);
  handler.acts["/fails-at-its-end"] = source(600'000, 600'000, true);
  handler.acts["/short"] = source(1'000'000, 600'000, false);
  handler.acts["/long"] = source(600'000, 600'001, false);
  handler.acts["/chunks-fail"] = source(std::nullopt, 600'000, true);
  start();
  for (const char* path : {"/fails", "/fails-at-its-end", "/short", "/long", "/chunks-fail"}) {
    TestClient peer = client();
    const Answer answer = peer.ask(get(path));
    EXPECT_FALSE(answer.whole) << path;
    EXPECT_LT(answer.body.size(), 600'001U) << path;
    EXPECT_TRUE(peer.reset_seen()) << path;
  }
  TestClient old = client();
  EXPECT_FALSE(old.ask("GET /chunks-fail HTTP/1.0\r\n\r\n").whole);
}

TEST_F(SessionTest, AnswersWithAnErrorIfAStreamFailsBeforeItsFirstByte) {
  handler.acts["/fails"] = [](Request&) {
    return TestHandler::source_response(std::make_unique<PatternSource>(10, 0, true));
  };
  start();
  TestClient peer = client();
  const Answer answer = peer.ask(get("/fails"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.whole);
}

TEST_F(SessionTest, TellsATimeOutOfTheSourceFromOneOfTheClient) {
  class SlowStore final : public async::ByteSource {
   public:
    std::optional<std::uint64_t> size() const override { return 10; }
    async::Task<Result<std::size_t>> read(std::span<std::byte>) override {
      co_return fail(Code::timeout, "the store did not answer in time", "test");
    }
  };
  handler.acts["/slow"] = [](Request&) {
    return TestHandler::source_response(std::make_unique<SlowStore>());
  };
  start();
  TestClient peer = client();
  const Answer answer = peer.ask(get("/slow"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.whole);
}

TEST_F(SessionTest, LetsNoFieldOfAHandlerBreakTheFraming) {
  handler.acts["/fields"] = [](Request&) -> async::Task<Response> {
    Response response;
    response.set("X-Evil", "a\r\nX-Injected: b");
    response.set("Bad Name", "x");
    response.set("Content-Length", "9999");
    response.set("transfer-encoding", "chunked");
    response.set("connection", "close");
    response.text = "ok";
    co_return response;
  };
  start();
  TestClient peer = client();
  const Answer answer = peer.ask(get("/fields"));
  EXPECT_EQ(answer.field("x-evil"), "a  X-Injected: b");
  EXPECT_FALSE(answer.fields.contains("x-injected"));
  EXPECT_FALSE(answer.fields.contains("bad name"));
  EXPECT_EQ(answer.field("content-length"), "2");
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(peer.ask(get("/small")).body, "small");
}

TEST_F(SessionTest, RefusesMalformedHeadsInTheHandlersWordsAndCloses) {
  start();
  TestClient peer = client();
  const Answer answer = peer.ask("GET / HTTP/1.1\r\n\r\n" + get("/small"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "the request has no Host");
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_NE(answer.field("x-request-id"), "");
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, TellsTheHandlerWhatItMadeOutOfAMalformedHead) {
  start();
  std::string many = "HEAD / HTTP/1.1\r\nHost: t\r\nX-Name: ruby\r\n";
  for (std::size_t i = 0; i < 300; ++i) many += "x: y\r\n";
  TestClient peer = client();
  peer.send(many + "\r\n");
  const Answer head = peer.answer(true);
  EXPECT_EQ(head.status, 431);
  EXPECT_EQ(head.field("x-name"), "ruby");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(client().ask("GET / HTTP/3.0\r\nX-Name: old\r\n\r\n").field("x-name"), "old");
  const std::string much(200'000, 't');
  const Answer target = client().ask("GET /" + much + " HTTP/1.1\r\nX-Name: a\r\n\r\n");
  EXPECT_EQ(target.status, 414);
  EXPECT_EQ(target.field("x-name"), "a");
  const Answer field =
      client().ask("GET / HTTP/1.1\r\nHost: t\r\nx: " + much + "\r\nX-Name: b\r\n\r\n");
  EXPECT_EQ(field.status, 431);
  EXPECT_EQ(field.field("x-name"), "b");
}

TEST_F(SessionTest, AnswersATooLongHeadWhoseRestDoesNotCome) {
  limits.skim_timeout = 150ms;
  start();
  EXPECT_EQ(client().ask("GET /" + std::string(200'000, 't')).status, 414);
}

TEST_F(SessionTest, SurvivesAHandlerThatThrows) {
  handler.acts["/throw"] = [](Request&) -> async::Task<Response> {
    throw std::runtime_error("boom");
    co_return Response{};
  };
  start();
  TestClient peer = client();
  EXPECT_EQ(peer.ask(get("/throw")).status, 500);
  TestClient other = client();
  EXPECT_EQ(other.ask(get("/small")).status, 200);
}

TEST_F(SessionTest, TellsTheHandlerWhoAsksAndWhere) {
  handler.acts["/who"] = [](Request& request) {
    return TestHandler::text_response(
        200, request.peer + " " + request.local + " " + (request.id.size() == 13 ? "id" : ""));
  };
  start();
  TestClient peer = client();
  EXPECT_EQ(peer.ask("GET /who HTTP/1.1\r\nHost: visor:4568\r\n\r\n").body,
            "127.0.0.1 visor:4568 id");
  EXPECT_EQ(peer.ask("GET /who HTTP/1.0\r\n\r\n").body,
            "127.0.0.1 " + server->addresses().front() + " id");
}

TEST_F(SessionTest, ReportsEveryRequest) {
  start();
  TestClient peer = client();
  peer.ask(put("/echo", 3) + "abc");
  peer.ask(get("/none"));
  peer.ask("nonsense\r\n\r\n");
  ASSERT_TRUE(done.wait_for(3));
  EXPECT_EQ(log(),
            (std::vector<std::string>{"PUT /echo 200 in 3", "GET /none 404 in 0", "  400 in 0"}));
}

}  // namespace
}  // namespace visor::http
