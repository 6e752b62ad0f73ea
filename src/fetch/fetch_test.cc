#include "fetch/fetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/test_fetcher.h"

namespace visor::fetch {
namespace {

TEST(Fetcher, GetsABodyAndItsHead) {
  ScriptedServer server(ScriptedServer::answering([](const std::string&) {
    return http_answer("200 OK", "hello", "ETag: \"v1\"\r\nX-Two:  b \r\n");
  }));
  const auto fetcher = fetcher_for(server);
  auto response = get(*fetcher, server.url("/a?b=c"));
  ASSERT_TRUE(response) << response.error().where;
  EXPECT_EQ((*response)->head.status, 200);
  EXPECT_EQ((*response)->head.content_length, 5u);
  EXPECT_EQ((*response)->head.field("etag"), "\"v1\"");
  EXPECT_EQ((*response)->head.field("x-two"), "b");
  EXPECT_EQ((*response)->head.url, server.url("/a?b=c"));
  EXPECT_EQ((*response)->body->size(), 5u);
  EXPECT_EQ(body_of(**response), "hello");
}

TEST(Fetcher, AsksAsItWasTold) {
  std::string seen;
  ScriptedServer server(ScriptedServer::answering([&seen](const std::string& head) {
    seen = head;
    return http_answer("206 Partial Content", "34", "Content-Range: bytes 3-4/10\r\n");
  }));
  const auto fetcher = fetcher_for(server);
  auto response = get(*fetcher, server.url("/a/../b%2F?q=/.."), RequestedRange{3, 4},
                      {.if_match = "\"v1\"", .if_unmodified_since = "then", .if_range = "\"v1\""});
  ASSERT_TRUE(response);
  EXPECT_EQ(seen.substr(0, seen.find("\r\n")), "GET /a/../b%2F?q=/.. HTTP/1.1");
  EXPECT_EQ(field_of(seen, "Host"), server.authority());
  EXPECT_EQ(field_of(seen, "Range"), "bytes=3-4");
  EXPECT_EQ(field_of(seen, "If-Match"), "\"v1\"");
  EXPECT_EQ(field_of(seen, "If-Unmodified-Since"), "then");
  EXPECT_EQ(field_of(seen, "If-Range"), "\"v1\"");
  EXPECT_EQ(field_of(seen, "Accept-Encoding"), "identity");
  EXPECT_EQ(field_of(seen, "Authorization"), "");
  const auto range = (*response)->head.content_range();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 3u);
  EXPECT_EQ(range->last, 4u);
  EXPECT_EQ(range->total, 10u);
  EXPECT_EQ(body_of(**response), "34");
}

TEST(Fetcher, LetsNoFieldBeSmuggledIntoACondition) {
  const auto fetcher = fetcher_for(std::vector<std::string>{});
  EXPECT_EQ(get(*fetcher, "http://93.184.216.34/", {}, {.if_match = "a\r\nX: y"}).error().code,
            Code::invalid);
}

TEST(Fetcher, AsksForTheHeadAlone) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& head) {
    EXPECT_TRUE(head.starts_with("HEAD /x "));
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 123456\r\n\r\n");
  }));
  const auto fetcher = fetcher_for(server);
  for (int i = 0; i < 3; ++i) {
    const auto head = run_until_done(fetcher->head(server.url("/x")));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->content_length, 123456u);
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Fetcher, GivesEveryStatusToItsCaller) {
  ScriptedServer server(ScriptedServer::answering(
      [](const std::string&) { return http_answer("404 Not Found", "nothing here"); }));
  const auto fetcher = fetcher_for(server);
  auto response = get(*fetcher, server.url("/"));
  ASSERT_TRUE(response);
  EXPECT_EQ((*response)->head.status, 404);
}

TEST(Fetcher, SkipsInterimResponsesAndTrailers) {
  ScriptedServer server(
      always("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
             "chunked\r\n\r\n"
             "3\r\nabc\r\n0\r\nETag: \"late\"\r\n\r\n"));
  const auto fetcher = fetcher_for(server);
  auto response = get(*fetcher, server.url("/"));
  ASSERT_TRUE(response);
  EXPECT_EQ((*response)->head.status, 200);
  EXPECT_FALSE((*response)->head.field("link"));
  EXPECT_FALSE((*response)->head.field("etag"));
  EXPECT_FALSE((*response)->body->size());
  EXPECT_EQ(body_of(**response), "abc");
}

TEST(Fetcher, ReadsALargeBodySlowlyWithinItsBuffer) {
  constexpr std::size_t kSize = 20 << 20;
  std::atomic<std::size_t> sent = 0;
  ScriptedServer server([&sent](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    std::string block(64 << 10, 'x');
    for (std::size_t at = 0; at < kSize; at += block.size()) {
      for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = static_cast<char>((at + i) * 2654435761u >> 11);
      if (!connection.send(block)) return;
      sent += block.size();
    }
  });
  const auto fetcher = fetcher_for(server);
  auto response = get(*fetcher, server.url("/"));
  ASSERT_TRUE(response);
  std::vector<std::byte> slice(100'000);
  ASSERT_EQ(run_until_done(async::read_full(*(*response)->body, slice)), slice.size());
  // Let the server send what it can: it must get stuck on our buffer and the sockets' own, far from
  // the end.
  std::size_t before = 0;
  do {
    before = sent;
    ::poll(nullptr, 0, 100);
  } while (sent != before);
  EXPECT_LT(sent, kSize - (4 << 20));
  std::size_t at = slice.size();
  while (true) {
    const auto count = run_until_done((*response)->body->read(slice));
    ASSERT_TRUE(count);
    if (*count == 0) break;
    for (std::size_t i = 0; i < *count; ++i) {
      const std::size_t block = (at + i) & ~std::size_t{0xffff};
      ASSERT_EQ(static_cast<char>(slice[i]),
                static_cast<char>((block + ((at + i) & 0xffff)) * 2654435761u >> 11));
    }
    at += *count;
  }
  EXPECT_EQ(at, kSize);
}

TEST(Fetcher, FollowsNoRedirectUnlessTold) {
  ScriptedServer server(always(http_answer("302 Found", "", "Location: /other\r\n")));
  EXPECT_EQ(fetch(*fetcher_for(server), server.url("/")).error().code, Code::unsupported);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Fetcher, FollowsAFewRedirects) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& head) {
    if (head.starts_with("GET /a/3 ")) return http_answer("200 OK", "arrived");
    const auto number = head[7] - '0';
    return http_answer("302 Found", "", "Location: " + std::to_string(number + 1) + "\r\n");
  }));
  auto options = quick();
  options.most_redirects = 3;
  const auto fetcher = fetcher_for(server, options);
  auto response = get(*fetcher, server.url("/a/0"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ((*response)->head.url, server.url("/a/3"));
  EXPECT_EQ(body_of(**response), "arrived");
  // One hop more than three.
  ScriptedServer endless(always(http_answer("307 Again", "", "Location: /\r\n")));
  const auto outcome = fetch(*fetcher_for(endless, options), endless.url("/"));
  EXPECT_EQ(outcome.error().code, Code::unsupported);
  EXPECT_EQ(endless.connections(), 4u);
}

TEST(Fetcher, ChecksEveryRedirectLikeAFirstUrl) {
  ScriptedServer hidden(always(http_answer("200 OK", "secret")));
  for (const std::string& location :
       {hidden.url("/"), std::string("http://localhost:") + std::to_string(hidden.port()) + "/",
        std::string("http://2130706433/"), std::string("file:///etc/passwd"),
        std::string("http://user:password@127.0.0.1/"), std::string("//169.254.169.254/latest"),
        std::string("gopher://127.0.0.1/")}) {
    ScriptedServer server(always(http_answer("302 Found", "", "Location: " + location + "\r\n")));
    auto options = quick();
    options.most_redirects = 3;
    EXPECT_EQ(fetch(*fetcher_for(server, options), server.url("/")).error().code, Code::forbidden)
        << location;
  }
  EXPECT_EQ(hidden.connections(), 0u);
}

TEST(Fetcher, ConnectsToTheCheckedAddressAndLooksNothingUpAgain) {
  std::string host;
  ScriptedServer server(ScriptedServer::answering([&host](const std::string& head) {
    host = field_of(head, "Host");
    return http_answer("200 OK", "ok");
  }));
  std::atomic<int> lookups = 0;
  const auto resolver = [&lookups](const std::string&) -> Result<std::vector<Address>> {
    return std::vector<Address>{*Address::parse(++lookups == 1 ? "127.0.0.1" : "127.0.0.2")};
  };
  const auto name = "mirror.test:" + std::to_string(server.port());
  const auto fetcher = fetcher_for({name}, quick(), resolver);
  EXPECT_EQ(fetch(*fetcher, "http://" + name + "/"), "ok");
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(host, name);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Fetcher, TriesTheNextAddressOfAHost) {
  ScriptedServer server(always(http_answer("200 OK", "ok")));
  const auto resolver = [](const std::string&) -> Result<std::vector<Address>> {
    // Nothing listens at the first one.
    return std::vector<Address>{*Address::parse("127.0.0.77"), *Address::parse("127.0.0.1")};
  };
  const auto name = "mirror.test:" + std::to_string(server.port());
  auto options = quick();
  options.attempts = 1;
  EXPECT_EQ(fetch(*fetcher_for({name}, options, resolver), "http://" + name + "/"), "ok");
}

TEST(Fetcher, RefusesPrivateHostsWithoutConnecting) {
  ScriptedServer server(always(http_answer("200 OK", "secret")));
  const auto fetcher = fetcher_for(std::vector<std::string>{});
  EXPECT_EQ(fetch(*fetcher, server.url("/")).error().code, Code::forbidden);
  EXPECT_EQ(fetch(*fetcher, "http://localhost/").error().code, Code::forbidden);
  EXPECT_EQ(server.connections(), 0u);
}

TEST(Fetcher, PaysNoHeedToProxiesOfTheEnvironment) {
  ScriptedServer proxy(always(http_answer("200 OK", "from the proxy")));
  ScriptedServer server(always(http_answer("200 OK", "direct")));
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  ::setenv("all_proxy", proxy.url("").c_str(), 1);
  EXPECT_EQ(fetch(*fetcher_for(server), server.url("/")), "direct");
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  EXPECT_EQ(proxy.connections(), 0u);
}

TEST(Fetcher, KeepsTheQueryOutOfTheLog) {
  ScriptedServer server([](ScriptedConnection& connection) { connection.read_head(); });
  const auto outcome = fetch(*fetcher_for(server), server.url("/path?signature=topsecret"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().where.find("topsecret"), std::string::npos);
  EXPECT_EQ(outcome.error().message.find("topsecret"), std::string::npos);
  EXPECT_NE(outcome.error().where.find(server.authority()), std::string::npos);
}

TEST(Fetcher, LimitsHowManyTransfersAreUnderWay) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    connection.wait_for_close();
  });
  auto options = quick();
  options.most_transfers = 2;
  const auto fetcher = fetcher_for(server, options);
  auto first = get(*fetcher, server.url("/"));
  auto second = get(*fetcher, server.url("/"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(get(*fetcher, server.url("/")).error().code, Code::unavailable);
}

TEST(Fetcher, ServesManyThreadsAtOnce) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& head) {
    return http_answer("200 OK", std::string(100'000, head[5]));
  }));
  const auto fetcher = fetcher_for(server);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    threads.emplace_back([&, letter] {
      for (int i = 0; i < 5; ++i) {
        const auto body = fetch(*fetcher, server.url("/" + std::string(1, letter)));
        EXPECT_TRUE(body) << body.error().where;
        if (body == std::string(100'000, letter)) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST(ResponseHead, ReadsContentRanges) {
  const auto head = [](std::string value) {
    ResponseHead result;
    result.fields = {{"content-range", std::move(value)}};
    return result;
  };
  EXPECT_EQ(head("bytes 0-0/1").content_range()->total, 1u);
  EXPECT_FALSE(head("bytes 0-4/*").content_range()->total);
  for (const char* bad :
       {"", "bytes", "bytes 5-4/10", "bytes 0-10/10", "bytes -5/10", "items 0-1/2", "bytes 0-1",
        "bytes 0-1/x", "bytes */10", "bytes 0-99999999999999999999/*"}) {
    EXPECT_FALSE(head(bad).content_range()) << bad;
  }
  EXPECT_EQ(head("bytes */10").unsatisfied_total(), 10u);
  EXPECT_FALSE(head("bytes 0-1/10").unsatisfied_total());
  EXPECT_FALSE(ResponseHead().content_range());
}

}  // namespace
}  // namespace visor::fetch
