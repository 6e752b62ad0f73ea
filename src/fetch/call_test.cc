#include "fetch/call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <latch>
#include <thread>

#include "fetch/ring.h"
#include "support/test_fetcher.h"

namespace visor::fetch {
namespace {

Result<std::unique_ptr<Response>> call(Fetcher& fetcher, Call request) {
  return run_until_done(fetcher.call(std::move(request)));
}

/// For what must not fail because the machine is busy.
Fetcher::Options patient() {
  auto options = quick();
  options.connect_timeout = milliseconds(60'000);
  options.first_byte_timeout = milliseconds(120'000);
  return options;
}

/// `count` bytes that differ from place to place.
std::string varied(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
  return bytes;
}

/// Gives the bytes of a text in slices of at most `slice`, then ends or fails.
class CountingSource : public async::ByteSource {
 public:
  CountingSource(std::string text, std::size_t slice) : text_(std::move(text)), slice_(slice) {}

  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min({into.size(), slice_, text_.size() - given_});
    if (count == 0 && failure) co_return std::unexpected(*failure);
    std::memcpy(into.data(), text_.data() + given_, count);
    given_ += count;
    co_return count;
  }
  std::size_t given() const { return given_; }

  std::optional<Error> failure;

 private:
  const std::string text_;
  const std::size_t slice_;
  std::atomic<std::size_t> given_ = 0;
};

TEST(FetcherCall, SendsABodyOfKnownLength) {
  const auto body = varied(3'000'017);
  std::string seen;
  std::string head;
  ScriptedServer server([&](ScriptedConnection& connection) {
    head = connection.read_head();
    seen = connection.read_body(body.size());
    connection.send(http_answer("201 Created", "made", "ETag: \"1\"\r\n"));
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source(body, 10'007);
  auto response = call(*fetcher, {.method = "PUT",
                                  .url = server.url("/a?b=c"),
                                  .fields = {{"Content-Type", "x/y"}, {"X-Empty", ""}},
                                  .body = &source,
                                  .body_size = body.size()});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ((*response)->head.status, 201);
  EXPECT_EQ((*response)->head.field("etag"), "\"1\"");
  EXPECT_EQ(body_of(**response), "made");
  EXPECT_EQ(head.substr(0, head.find("\r\n")), "PUT /a?b=c HTTP/1.1");
  EXPECT_EQ(field_of(head, "Content-Length"), std::to_string(body.size()));
  EXPECT_EQ(field_of(head, "Content-Type"), "x/y");
  EXPECT_NE(head.find("X-Empty:"), std::string::npos);
  EXPECT_EQ(field_of(head, "Transfer-Encoding"), "");
  EXPECT_EQ(field_of(head, "Expect"), "");
  EXPECT_TRUE(seen == body);
}

TEST(FetcherCall, SendsABodyOfUnknownLengthInChunks) {
  const auto body = varied(700'001);
  std::string seen;
  std::string head;
  ScriptedServer server([&](ScriptedConnection& connection) {
    head = connection.read_head();
    seen = connection.read_chunked();
    connection.send(http_answer("200 OK", ""));
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source(body, 100'000);
  auto response =
      call(*fetcher, {.method = "POST", .url = server.url("/"), .fields = {}, .body = &source});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ(head.substr(0, 5), "POST ");
  EXPECT_EQ(field_of(head, "Transfer-Encoding"), "chunked");
  EXPECT_EQ(field_of(head, "Content-Type"), "");
  EXPECT_TRUE(seen == body);
}

TEST(FetcherCall, ReadsNoMoreOfTheSourceThanTheBodyHas) {
  std::string seen;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    seen = connection.read_body(5);
    connection.send(http_answer("200 OK", ""));
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source("123456789", 100);
  ASSERT_TRUE(call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source, .body_size = 5}));
  EXPECT_EQ(seen, "12345");
  EXPECT_EQ(source.given(), 5u);
}

TEST(FetcherCall, SendsRequestsWithoutABody) {
  std::vector<std::string> heads;
  ScriptedServer server(ScriptedServer::answering([&](const std::string& head) {
    heads.push_back(head);
    return head.starts_with("HEAD ") ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n")
                                     : http_answer("200 OK", "x");
  }));
  const auto fetcher = fetcher_for(server, patient());
  CountingSource nothing("", 1);
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
    auto response = call(*fetcher, {.method = method, .url = server.url("/")});
    ASSERT_TRUE(response) << method << response.error().where;
    EXPECT_EQ(body_of(**response), std::string_view(method) == "HEAD" ? "" : "x");
    EXPECT_TRUE(heads.back().starts_with(std::string(method) + " / "));
    const bool has_length = std::string_view(method).starts_with("P");
    EXPECT_EQ(field_of(heads.back(), "Content-Length"), has_length ? "0" : "") << method;
    if (std::string_view(method) == "HEAD") {
      EXPECT_EQ((*response)->head.content_length, 77u);
    }
  }
  ASSERT_TRUE(call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &nothing, .body_size = 0}));
  EXPECT_EQ(field_of(heads.back(), "Content-Length"), "0");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(FetcherCall, WaitsForTheServerToAgreeIfAsked) {
  std::string seen;
  CountingSource source("12345", 100);
  ScriptedServer server([&](ScriptedConnection& connection) {
    EXPECT_EQ(field_of(connection.read_head(), "Expect"), "100-continue");
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    seen = connection.read_body(5);
    connection.send(http_answer("200 OK", ""));
  });
  const auto fetcher = fetcher_for(server, patient());
  ASSERT_TRUE(call(*fetcher, {.method = "PUT",
                              .url = server.url("/"),
                              .fields = {},
                              .body = &source,
                              .body_size = 5,
                              .expect_continue = true}));
  EXPECT_EQ(seen, "12345");
}

TEST(FetcherCall, LeavesTheBodyAloneIfTheServerRefusesIt) {
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    connection.send(http_answer("307 Elsewhere", "", "Location: http://other.test/\r\n"));
    connection.wait_for_close();
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source("12345", 100);
  auto response = call(*fetcher, {.method = "PUT",
                                  .url = server.url("/"),
                                  .fields = {},
                                  .body = &source,
                                  .body_size = 5,
                                  .expect_continue = true});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ((*response)->head.status, 307);
  EXPECT_EQ((*response)->head.field("location"), "http://other.test/");
}

TEST(FetcherCall, StopsSendingWhenTheAnswerComesEarly) {
  for (const bool known_length : {true, false}) {
    ScriptedServer server([&](ScriptedConnection& connection) {
      connection.read_head();
      connection.read_body(100'000);
      connection.send(http_answer("403 Forbidden", "no"));
      connection.wait_for_close();
    });
    const auto fetcher = fetcher_for(server, patient());
    constexpr std::size_t kSize = 64 << 20;
    CountingSource source(std::string(kSize, 'x'), 50'000);
    Call request{.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source};
    if (known_length) request.body_size = kSize;
    auto response = call(*fetcher, std::move(request));
    ASSERT_TRUE(response) << response.error().where;
    EXPECT_EQ((*response)->head.status, 403);
    EXPECT_EQ(body_of(**response), "no");
    EXPECT_LT(source.given(), kSize);
  }
}

TEST(FetcherCall, EndsWhileItsSourceHadNothingToGive) {
  // The source waits until the server has answered: the sending is paused then.
  std::latch answered(1);
  class Waiting : public async::ByteSource {
   public:
    explicit Waiting(std::latch& latch) : latch_(latch) {}
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
      if (first_) latch_.wait();
      first_ = false;
      into[0] = std::byte{'x'};
      co_return std::size_t{1};
    }

   private:
    std::latch& latch_;
    bool first_ = true;
  };
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    connection.send(http_answer("507 Full", "full"));
    answered.count_down();
    connection.wait_for_close();
  });
  const auto fetcher = fetcher_for(server, patient());
  Waiting source(answered);
  auto response =
      call(*fetcher, {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ((*response)->head.status, 507);
  EXPECT_EQ(body_of(**response), "full");
}

TEST(FetcherCall, GoesOnSendingAfterAnEarlySuccess) {
  const auto body = varied(2'000'000);
  std::string seen;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    seen = connection.read_body(body.size());
    connection.send("ok");
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source(body, 30'000);
  auto response = call(*fetcher, {.method = "PUT",
                                  .url = server.url("/"),
                                  .fields = {},
                                  .body = &source,
                                  .body_size = body.size()});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ(body_of(**response), "ok");
  EXPECT_TRUE(seen == body);
}

TEST(FetcherCall, HoldsTheSourceBackWhileTheServerIsSlow) {
  constexpr std::size_t kSize = 64 << 20;
  const auto body = varied(kSize);
  CountingSource source(body, 64 << 10);
  bool right = false;
  std::size_t given_while_stuck = kSize;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    const auto first = connection.read_body(1000);
    // What the buffers between here and there hold, and no more, is taken from the source.
    std::size_t before = 0;
    do {
      before = source.given();
      ::poll(nullptr, 0, 100);
    } while (source.given() != before);
    given_while_stuck = before;
    right = first + connection.read_body(kSize - 1000) == body;
    connection.send(http_answer("200 OK", ""));
  });
  const auto fetcher = fetcher_for(server, patient());
  auto response = call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source, .body_size = kSize});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_TRUE(right);
  EXPECT_LT(given_while_stuck, kSize);
}

TEST(FetcherCall, PassesTheErrorOfItsSourceOn) {
  std::string seen;
  std::latch gone(1);
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    seen = connection.read_chunked();
    gone.count_down();
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source("12345", 100);
  source.failure = Error{Code::corrupt, "the source is broken", "test", Retry::never};
  auto response =
      call(*fetcher, {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::corrupt);
  EXPECT_EQ(response.error().message, "the source is broken");
  gone.wait();
  EXPECT_TRUE(seen.ends_with("(broken off)")) << "a body that broke off must not look whole";
}

TEST(FetcherCall, RefusesABodyThatIsShorterThanItSays) {
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    connection.wait_for_close();
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source("12345", 100);
  auto response = call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source, .body_size = 6});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::invalid);
}

TEST(FetcherCall, GivesUpOnAServerThatTakesNothing) {
  std::latch given_up(1);
  ScriptedServer server([&given_up](ScriptedConnection& connection) {
    connection.read_head();
    given_up.wait();
  });
  auto options = quick();
  options.rate_period = milliseconds(500);
  const auto fetcher = fetcher_for(server, options);
  constexpr std::size_t kSize = 64 << 20;
  CountingSource source(std::string(kSize, 'x'), 64 << 10);
  auto response = call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source, .body_size = kSize});
  given_up.count_down();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::timeout) << response.error().where;
}

TEST(FetcherCall, GivesUpOnAnAnswerThatDoesNotComeAfterTheBody) {
  ScriptedServer server([](ScriptedConnection& connection) { connection.wait_for_close(); });
  const auto fetcher = fetcher_for(server);
  CountingSource source("12345", 100);
  auto response = call(*fetcher, {.method = "PUT",
                                  .url = server.url("/"),
                                  .fields = {},
                                  .body = &source,
                                  .body_size = 5,
                                  .answer_timeout = milliseconds(300)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::timeout) << response.error().where;
}

TEST(FetcherCall, ReportsAServerThatBreaksOffAndSendsNothingTwice) {
  ScriptedServer server([](ScriptedConnection& connection) {
    if (field_of(connection.read_head(), "Content-Length") == "5") connection.read_body(5);
    connection.reset_on_close();
  });
  const auto fetcher = fetcher_for(server, patient());
  CountingSource source("12345", 100);
  auto response = call(
      *fetcher,
      {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source, .body_size = 5});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::unavailable);
  EXPECT_EQ(server.connections(), 1u);
  for (const char* method : {"PUT", "POST"}) {
    EXPECT_FALSE(call(*fetcher, {.method = method, .url = server.url("/")}));
  }
  EXPECT_EQ(server.connections(), 3u);
}

TEST(FetcherCall, RepeatsWhatIsSafeToRepeat) {
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    std::atomic<int> requests = 0;
    ScriptedServer server([&requests](ScriptedConnection& connection) {
      connection.read_head();
      if (++requests == 1) return;
      connection.send(requests == 2 ? http_answer("503 Busy", "") : http_answer("200 OK", ""));
    });
    auto response =
        call(*fetcher_for(server, patient()), {.method = method, .url = server.url("/")});
    ASSERT_TRUE(response);
    EXPECT_EQ((*response)->head.status, 200) << method;
    EXPECT_EQ(requests, 3);
  }
  ScriptedServer busy(ScriptedServer::answering(
      [](const std::string&) { return http_answer("503 Busy", "later"); }));
  auto response = call(*fetcher_for(busy, patient()), {.method = "POST", .url = busy.url("/")});
  ASSERT_TRUE(response);
  EXPECT_EQ((*response)->head.status, 503);
  EXPECT_EQ(busy.connections(), 1u);
}

TEST(FetcherCall, FollowsNoRedirect) {
  ScriptedServer server(always(http_answer("302 Found", "", "Location: /other\r\n")));
  auto options = quick();
  options.most_redirects = 3;
  auto response = call(*fetcher_for(server, options), {.method = "GET", .url = server.url("/")});
  ASSERT_TRUE(response);
  EXPECT_EQ((*response)->head.status, 302);
  EXPECT_EQ((*response)->head.field("location"), "/other");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(FetcherCall, PassesTheGuard) {
  ScriptedServer server(always(http_answer("200 OK", "secret")));
  CountingSource source("12345", 100);
  auto response = call(*fetcher_for(std::vector<std::string>{}),
                       {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::forbidden);
  EXPECT_EQ(source.given(), 0u);
  EXPECT_EQ(server.connections(), 0u);
}

TEST(FetcherCall, TriesTheNextAddressWithTheWholeBody) {
  std::string seen;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    seen = connection.read_body(5);
    connection.send(http_answer("200 OK", ""));
  });
  const auto resolver = [](const std::string&) -> Result<std::vector<Address>> {
    // Nothing listens at the first one.
    return std::vector<Address>{*Address::parse("127.0.0.77"), *Address::parse("127.0.0.1")};
  };
  const auto name = "store.test:" + std::to_string(server.port());
  CountingSource source("12345", 100);
  auto response = call(*fetcher_for({name}, quick(), resolver), {.method = "PUT",
                                                                 .url = "http://" + name + "/",
                                                                 .fields = {},
                                                                 .body = &source,
                                                                 .body_size = 5});
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ(seen, "12345");
}

TEST(FetcherCall, RefusesWhatMakesNoRequest) {
  const auto fetcher = fetcher_for(std::vector<std::string>{});
  CountingSource source("12345", 100);
  const std::string url = "http://93.184.216.34/";
  const std::vector<Call> calls = {
      {.method = "TRACE", .url = url},
      {.method = "get", .url = url},
      {.method = "GET\r\nX: y", .url = url},
      {.method = "GET", .url = url, .fields = {}, .body = &source},
      {.method = "GET", .url = url, .fields = {{"X", "a\r\nY: b"}}},
      {.method = "GET", .url = url, .fields = {{"X: a\r\nY", "b"}}},
      {.method = "GET", .url = url, .fields = {{"", "b"}}},
      {.method = "GET", .url = url, .fields = {{"Host", "elsewhere"}}},
      {.method = "PUT", .url = url, .fields = {{"content-LENGTH", "5"}}},
      {.method = "PUT", .url = url, .fields = {{"Transfer-Encoding", "chunked"}}},
      {.method = "GET", .url = "no URL"},
  };
  for (const auto& refused : calls) {
    auto response = call(*fetcher, refused);
    ASSERT_FALSE(response) << refused.method;
    EXPECT_EQ(response.error().code, Code::invalid) << refused.method;
  }
}

TEST(FetcherCall, EndsWhenTheFetcherStops) {
  std::latch begun(1);
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    begun.count_down();
    connection.wait_for_close();
  });
  const auto fetcher = fetcher_for(server, patient());
  std::thread stopper([&] {
    begun.wait();
    fetcher->stop();
  });
  class Endless : public async::ByteSource {
   public:
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
      std::memset(into.data(), 'x', into.size());
      co_return into.size();
    }
  };
  Endless source;
  auto response =
      call(*fetcher, {.method = "PUT", .url = server.url("/"), .fields = {}, .body = &source});
  stopper.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::cancelled);
}

TEST(FetcherCall, SendsFromManyThreadsAtOnce) {
  ScriptedServer server([](ScriptedConnection& connection) {
    while (true) {
      const auto head = connection.read_head();
      if (head.empty()) return;
      const std::size_t size = std::stoul(field_of(head, "Content-Length"));
      const auto body = connection.read_body(size);
      const bool right = body == std::string(size, head[5]);
      if (!connection.send(http_answer(right ? "200 OK" : "400 Wrong", ""))) return;
    }
  });
  const auto fetcher = fetcher_for(server, patient());
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    threads.emplace_back([&, letter] {
      for (int i = 0; i < 5; ++i) {
        CountingSource source(std::string(300'000, letter), 9'000);
        auto response = call(*fetcher, {.method = "PUT",
                                        .url = server.url("/" + std::string(1, letter)),
                                        .fields = {},
                                        .body = &source,
                                        .body_size = 300'000});
        EXPECT_TRUE(response) << response.error().where;
        if (response && (*response)->head.status == 200) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST(Ring, GivesBytesInTheirOrderAroundItsEnd) {
  Ring ring(10);
  std::string out;
  std::string in;
  unsigned char next = 0;
  for (int round = 0; round < 50; ++round) {
    std::string bytes;
    for (std::size_t i = 0; i < 7 && i < ring.room(); ++i) {
      bytes.push_back(static_cast<char>(next++));
    }
    ring.put(std::as_bytes(std::span(bytes)));
    in += bytes;
    std::array<std::byte, 5> taken;
    const auto count = ring.take(taken);
    out.append(reinterpret_cast<const char*>(taken.data()), count);
    const auto space = ring.free_space();
    ASSERT_LE(space.size(), ring.room());
    EXPECT_EQ(space.empty(), ring.room() == 0);
    EXPECT_EQ(ring.count() + ring.room(), 10u);
  }
  std::array<std::byte, 10> rest;
  const auto count = ring.take(rest);
  out.append(reinterpret_cast<const char*>(rest.data()), count);
  EXPECT_EQ(ring.count(), 0u);
  EXPECT_TRUE(out == in);
}

}  // namespace
}  // namespace visor::fetch
