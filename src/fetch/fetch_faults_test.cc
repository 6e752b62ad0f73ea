#include "fetch/fetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

#include "support/test_fetcher.h"

namespace visor::fetch {
namespace {

TEST(FetcherFaults, NeverTakesATruncatedBodyForWhole) {
  const std::string truncated[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n\r\n",
  };
  for (const auto& answer : truncated) {
    ScriptedServer server(always(answer));
    const auto fetcher = fetcher_for(server);
    const auto body = fetch(*fetcher, server.url("/"));
    ASSERT_FALSE(body) << answer;
    EXPECT_EQ(body.error().code, Code::unavailable) << body.error().where;
    EXPECT_EQ(server.connections(), 1u) << "a body that began must not be asked for again";
  }
}

TEST(FetcherFaults, ReportsAResetInTheMiddleOfABody) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n12345");
    connection.reset_on_close();
  });
  const auto fetcher = fetcher_for(server);
  EXPECT_FALSE(fetch(*fetcher, server.url("/")));
}

TEST(FetcherFaults, RefusesDataWhoseEndNobodyCanTell) {
  ScriptedServer server(always("HTTP/1.1 200 OK\r\n\r\n12345"));
  const auto fetcher = fetcher_for(server);
  EXPECT_EQ(fetch(*fetcher, server.url("/")).error().code, Code::unsupported);
}

TEST(FetcherFaults, RefusesAnswersThatAreNotSound) {
  const std::string answers[] = {
      "not HTTP at all\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n12345",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n12345",
      "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\tfolded: x\r\n\r\n1",
  };
  for (const auto& answer : answers) {
    ScriptedServer server(always(answer));
    const auto fetcher = fetcher_for(server);
    EXPECT_FALSE(fetch(*fetcher, server.url("/"))) << answer.substr(0, 80);
  }
  std::string many = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n";
  for (int i = 0; i < 300; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  ScriptedServer server(always(many + "\r\n1"));
  EXPECT_FALSE(fetch(*fetcher_for(server), server.url("/")));
}

TEST(FetcherFaults, CapsTheSizeOfABody) {
  auto options = quick();
  options.largest_body = 100'000;
  ScriptedServer announced(always("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n"));
  EXPECT_EQ(get(*fetcher_for(announced, options), announced.url("/")).error().code,
            Code::too_large);
  ScriptedServer endless([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const auto chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
    while (connection.send(chunk)) {
    }
  });
  EXPECT_EQ(fetch(*fetcher_for(endless, options), endless.url("/")).error().code, Code::too_large);
}

TEST(FetcherFaults, GivesUpOnAServerThatDoesNotAnswer) {
  auto options = quick();
  options.connect_timeout = milliseconds(5000);
  options.first_byte_timeout = milliseconds(1000);
  ScriptedServer server([](ScriptedConnection& connection) { connection.wait_for_close(); });
  const auto fetcher = fetcher_for(server, options);
  EXPECT_EQ(get(*fetcher, server.url("/")).error().code, Code::timeout);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(FetcherFaults, GivesUpOnABodyThatTrickles) {
  auto options = quick();
  options.rate_period = milliseconds(150);
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n12345");
    connection.wait_for_close();
  });
  const auto fetcher = fetcher_for(server, options);
  EXPECT_EQ(fetch(*fetcher, server.url("/")).error().code, Code::timeout);
}

TEST(FetcherFaults, TriesAgainBeforeTheFirstByteButNotForEver) {
  std::atomic<int> requests = 0;
  ScriptedServer recovering([&requests](ScriptedConnection& connection) {
    connection.read_head();
    if (++requests == 1) return;
    connection.send(requests == 2 ? http_answer("503 Busy", "") : http_answer("200 OK", "at last"));
  });
  EXPECT_EQ(fetch(*fetcher_for(recovering), recovering.url("/")), "at last");
  EXPECT_EQ(requests, 3);

  ScriptedServer broken([](ScriptedConnection& connection) { connection.read_head(); });
  const auto outcome = fetch(*fetcher_for(broken), broken.url("/"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().retry, Retry::exhausted);
  EXPECT_EQ(broken.connections(), 3u);

  ScriptedServer busy(always(http_answer("503 Busy", "later")));
  auto response = get(*fetcher_for(busy), busy.url("/"));
  ASSERT_TRUE(response);
  EXPECT_EQ((*response)->head.status, 503);
  EXPECT_EQ(busy.connections(), 3u);
}

TEST(FetcherFaults, StopsTryingAgainWhenTheBudgetIsSpent) {
  ScriptedServer broken([](ScriptedConnection& connection) { connection.read_head(); });
  const auto fetcher = fetcher_for(broken);
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(fetch(*fetcher, broken.url("/")));
  // 40 requests, at most 20 + 4 retries.
  EXPECT_LE(broken.connections(), 40u + 24u);
}

TEST(FetcherFaults, EndsATransferWhoseBodyIsDropped) {
  std::mutex mutex;
  std::condition_variable changed;
  bool gone = false;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    const std::string block(64 << 10, 'x');
    while (connection.send(block)) {
    }
    const std::lock_guard lock(mutex);
    gone = true;
    changed.notify_all();
  });
  const auto fetcher = fetcher_for(server);
  {
    auto response = get(*fetcher, server.url("/"));
    ASSERT_TRUE(response);
    std::vector<std::byte> slice(1000);
    ASSERT_TRUE(run_until_done((*response)->body->read(slice)));
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::minutes(2), [&] { return gone; }));
}

TEST(FetcherFaults, EndsBodiesWithAnErrorWhenItGoes) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    connection.wait_for_close();
  });
  std::unique_ptr<Response> response;
  {
    const auto fetcher = fetcher_for(server);
    response = std::move(*get(*fetcher, server.url("/")));
  }
  EXPECT_EQ(body_of(*response).error().code, Code::cancelled);
}

}  // namespace
}  // namespace visor::fetch
