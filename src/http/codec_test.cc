#include "http/codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace visor::http {
namespace {

using Outcome = HeadParser::Outcome;

struct Parsed {
  Outcome outcome = Outcome::incomplete;
  int status = 0;
  std::size_t consumed = 0;
  std::string method, target, path, query, fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false, expects_continue = false, keep_alive = false;
  int minor_version = -1;

  friend bool operator==(const Parsed&, const Parsed&) = default;
};

// Gives the bytes in pieces of `step`, as a connection would, and stops at the first outcome.
Parsed parse_in_steps(std::string_view bytes, std::size_t step, const Limits& limits = {}) {
  HeadParser parser(limits);
  RequestHead head;
  Parsed parsed;
  for (std::size_t size = std::min(step, bytes.size());;
       size = std::min(size + step, bytes.size())) {
    // A copy of its own, so that reading past what has arrived is seen by the sanitizer.
    const std::string arrived(bytes.substr(0, size));
    parsed.outcome = parser.parse(arrived, head);
    if (parsed.outcome != Outcome::incomplete || size == bytes.size()) break;
  }
  if (parsed.outcome == Outcome::failed) parsed.status = parser.failure().status;
  if (parsed.outcome != Outcome::complete) return parsed;
  parsed.consumed = parser.consumed();
  parsed.method = head.method;
  parsed.target = head.target;
  parsed.path = head.path;
  parsed.query = head.query;
  for (const Field& field : head.fields) {
    parsed.fields += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  parsed.content_length = head.content_length;
  parsed.chunked = head.chunked;
  parsed.expects_continue = head.expects_continue;
  parsed.keep_alive = head.keep_alive;
  parsed.minor_version = head.minor_version;
  return parsed;
}

Parsed parse(std::string_view bytes, const Limits& limits = {}) {
  const Parsed at_once = parse_in_steps(bytes, bytes.size(), limits);
  if (bytes.size() < 4096) {
    EXPECT_EQ(at_once, parse_in_steps(bytes, 1, limits)) << bytes;
    EXPECT_EQ(at_once, parse_in_steps(bytes, 7, limits)) << bytes;
  } else {
    EXPECT_EQ(at_once, parse_in_steps(bytes, 509, limits)) << bytes.substr(0, 100);
  }
  return at_once;
}

TEST(HeadParser, ReadsAnOrdinaryRequest) {
  const std::string text =
      "GET /images/1%2F2?a=b&c HTTP/1.1\r\nHost: visor.example:4568\r\nX-Thing: \t two  words "
      "\t\r\n"
      "x-empty:\r\n\r\n";
  const Parsed parsed = parse(text + "GET /next");
  EXPECT_EQ(parsed.outcome, Outcome::complete);
  EXPECT_EQ(parsed.consumed, text.size());
  EXPECT_EQ(parsed.method, "GET");
  EXPECT_EQ(parsed.target, "/images/1%2F2?a=b&c");
  EXPECT_EQ(parsed.path, "/images/1%2F2");
  EXPECT_EQ(parsed.query, "a=b&c");
  EXPECT_EQ(parsed.fields, "Host=visor.example:4568;X-Thing=two  words;x-empty=;");
  EXPECT_TRUE(parsed.keep_alive);
  EXPECT_FALSE(parsed.chunked);
  EXPECT_EQ(parsed.content_length, std::nullopt);
  EXPECT_EQ(parsed.minor_version, 1);
}

TEST(HeadParser, IsIncompleteUntilItsLastByte) {
  const std::string text = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parse(text.substr(0, size)).outcome, Outcome::incomplete) << size;
  }
  EXPECT_EQ(parse(text).content_length, 3U);
}

TEST(HeadParser, KeepsRawBytesOfValues) {
  const Parsed parsed = parse("GET / HTTP/1.1\r\nHost: a\r\nx: \xff\xc3\xa9\r\n\r\n");
  EXPECT_EQ(parsed.fields, "Host=a;x=\xff\xc3\xa9;");
}

TEST(HeadParser, KnowsWhatKeepsAConnectionOpen) {
  const std::string get11 = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string get10 = "GET / HTTP/1.0\r\n";
  EXPECT_TRUE(parse(get11 + "\r\n").keep_alive);
  EXPECT_FALSE(parse(get11 + "Connection: Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse(get11 + "Connection: x, close , y\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse(get11 + "Connection: closed\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse(get10 + "\r\n").keep_alive);
  EXPECT_TRUE(parse(get10 + "Connection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse(get10 + "Connection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(HeadParser, ReadsEveryFormOfTarget) {
  Parsed parsed = parse("GET http://A.example:80/x?y HTTP/1.1\r\nHost: a.example:80\r\n\r\n");
  EXPECT_EQ(parsed.path, "/x");
  EXPECT_EQ(parsed.query, "y");
  parsed = parse("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parsed.path, "/");
  EXPECT_EQ(parsed.query, "q");
  parsed = parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parsed.path, "*");
  parsed = parse("GET http://[::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
  EXPECT_EQ(parsed.path, "/");
  EXPECT_EQ(parse("GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n").path, "//a//b");
}

TEST(HeadParser, IgnoresOneEmptyLineBeforeTheRequest) {
  EXPECT_EQ(parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").outcome, Outcome::complete);
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 400);
}

TEST(HeadParser, NotesBodiesAndExpectations) {
  const std::string put = "PUT / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_TRUE(parse(put + "Transfer-Encoding: chunked\r\n\r\n").chunked);
  EXPECT_TRUE(parse(put + "Transfer-Encoding: Chunked\r\n\r\n").chunked);
  EXPECT_EQ(parse(put + "Content-Length: 0013\r\n\r\n").content_length, 13U);
  EXPECT_EQ(parse(put + "Content-Length: 9223372036854775807\r\n\r\n").content_length,
            9223372036854775807U);
  EXPECT_TRUE(parse(put + "Expect: 100-Continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(parse("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

struct Refused {
  std::string head;
  int status;
};

TEST(HeadParser, RefusesWhatCouldBeReadInTwoWays) {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string put = "PUT / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<Refused> refused = {
      // Two lengths.
      {put + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {put + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
      {put + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
      {put + "Content-Length: 3\r\ncontent-length: 3\r\n\r\n", 400},
      // Lengths that are none.
      {put + "Content-Length: +13\r\n\r\n", 400},
      {put + "Content-Length: -1\r\n\r\n", 400},
      {put + "Content-Length: 0x0d\r\n\r\n", 400},
      {put + "Content-Length: 13, 13\r\n\r\n", 400},
      {put + "Content-Length: 1 3\r\n\r\n", 400},
      {put + "Content-Length: 13.0\r\n\r\n", 400},
      {put + "Content-Length:\r\n\r\n", 400},
      {put + "Content-Length: 9223372036854775808\r\n\r\n", 400},
      {put + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      // Transfer codings.
      {put + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {put + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {put + "Transfer-Encoding: identity\r\n\r\n", 501},
      {put + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {put + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
      {put + "Transfer-Encoding: chunked;x\r\n\r\n", 501},
      {put + "Transfer-Encoding:\r\n\r\n", 501},
      {put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
      {put + "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n",
       400},
      {"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      // Line ends.
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {get + "x: y\n\r\n", 400},
      {get + "\n", 400},
      {get + "x: a\rb\r\n\r\n", 400},
      {get + "x: y\r\r\n\r\n", 400},
      {"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      // Field names and values.
      {get + "x: y\r\n z\r\n\r\n", 400},
      {get + "x: y\r\n\tz\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {put + "Content-Length : 3\r\n\r\n", 400},
      {put + "Content-Length\t: 3\r\n\r\n", 400},
      {get + ": y\r\n\r\n", 400},
      {get + "x\r\n\r\n", 400},
      {get + "x y: z\r\n\r\n", 400},
      {get + "x\xc3\xa9: z\r\n\r\n", 400},
      {get + "x[]: z\r\n\r\n", 400},
      {get + std::string("x: a\0b\r\n\r\n", 10), 400},
      {get + std::string("x\0: a\r\n\r\n", 9), 400},
      {get + "x: a\x01\r\n\r\n", 400},
      {get + "x: a\x7f\r\n\r\n", 400},
      // Hosts.
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a:80:81\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a:port\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
      {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
      {"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      // Request lines.
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\r\nHost: a\r\n\r\n", 400},
      {"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29), 400},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
      {"\x16\x03\x01\x02", 400},
      // Expectations.
      {put + "Expect: 200-ok\r\n\r\n", 417},
      {put + "Expect: 100-continue, x\r\n\r\n", 417},
  };
  for (const Refused& request : refused) {
    const Parsed parsed = parse(request.head);
    EXPECT_EQ(parsed.outcome, Outcome::failed) << request.head;
    EXPECT_EQ(parsed.status, request.status) << request.head;
  }
}

TEST(HeadParser, EnforcesItsLimits) {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  const auto with_fields = [&](int count) {
    std::string text = get;
    for (int i = 1; i < count; ++i) text += "x: y\r\n";
    return text + "\r\n";
  };
  EXPECT_EQ(parse(with_fields(256)).outcome, Outcome::complete);
  EXPECT_EQ(parse(with_fields(257)).status, 431);

  const auto with_uri = [](std::size_t size) {
    return "GET /" + std::string(size - 1, 'u') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(with_uri(8192)).outcome, Outcome::complete);
  EXPECT_EQ(parse(with_uri(8193)).status, 414);
  EXPECT_EQ(parse("GET /" + std::string(20000, 'u')).status, 414);

  const auto with_size = [&](std::size_t size) {
    return get + "x: " + std::string(size - get.size() - 7, 'v') + "\r\n\r\n";
  };
  EXPECT_EQ(with_size(65536).size(), 65536U);
  EXPECT_EQ(parse(with_size(65536)).outcome, Outcome::complete);
  EXPECT_EQ(parse(with_size(65537)).status, 431);
  EXPECT_EQ(parse(get + std::string(70000, 'x')).status, 431);
}

TEST(MakeOutHead, GivesMethodPathAndTheFieldsThatAreWhole) {
  RequestHead head;
  make_out_head(
      "\r\nHEAD /images?a=b HTTP/9.9\r\nUser-Agent: \tRuby \r\nbad name: x\r\n folded: x\r\n"
      "x-empty:\r\nx-control: a\x01\r\nno colon\r\nAccept: text/xml\nx-cut: of",
      {}, head);
  EXPECT_EQ(head.method, "HEAD");
  EXPECT_EQ(head.path, "/images");
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.field("user-agent"), "Ruby");
  EXPECT_EQ(head.field("x-empty"), "");
  EXPECT_EQ(head.field("accept"), "text/xml");
}

TEST(HeadSkimmer, KeepsTheBeginningsOfLinesUpToTheEndOfTheHead) {
  const Limits limits;
  const std::string bytes = "\r\nGET /" + std::string(100'000, 'u') +
                            " HTTP/1.1\r\nx-long: " + std::string(200'000, 'v') +
                            "\r\nAuthorization: VISOR a:b\r\n\r\nX: y\r\n";
  for (const std::size_t step : {std::size_t{1}, std::size_t{4096}, bytes.size()}) {
    HeadSkimmer skimmer(limits);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      EXPECT_EQ(skimmer.finished(), at > bytes.size() - 7) << at;
      skimmer.feed(std::string_view(bytes).substr(at, step));
    }
    EXPECT_TRUE(skimmer.finished());
    EXPECT_LT(skimmer.text().size(), 4096U);
    RequestHead head;
    make_out_head(skimmer.text(), {}, head);
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.field("authorization"), "VISOR a:b");
    EXPECT_EQ(head.field("x"), std::nullopt);
  }
}

TEST(HeadSkimmer, GivesUpOnAHeadThatNeverEnds) {
  const Limits limits;
  for (const std::string& piece : {std::string(4096, 'a'), std::string("a: b\r\n")}) {
    HeadSkimmer skimmer(limits);
    std::size_t fed = 0;
    for (; !skimmer.finished() && fed < 10'000'000; fed += piece.size()) skimmer.feed(piece);
    EXPECT_LE(fed, 2U << 20);
    EXPECT_LE(skimmer.text().size(), limits.head_bytes);
  }
}

TEST(MakeOutHead, MakesNothingOfGarbageAndForgetsWhatItHeldBefore) {
  RequestHead head;
  make_out_head("GET /a HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\nx-of-the-body: y\r\n", {}, head);
  EXPECT_EQ(head.fields.size(), 2U);
  for (const std::string& bytes :
       {std::string(), std::string("\r\n"), std::string("\n\n\n"), std::string("\0\xff\n:\n", 5),
        std::string(70'000, 'a'), "G(T /\x01 HTTP/1.1\r\n" + std::string(70'000, ' ')}) {
    make_out_head(bytes, {}, head);
    EXPECT_EQ(head.method, "") << bytes.substr(0, 20);
    EXPECT_EQ(head.path, "");
    EXPECT_TRUE(head.fields.empty());
  }
  Limits few;
  few.fields = 2;
  make_out_head("GET / HTTP/1.1\na: 1\nb: 2\nc: 3\nd: 4\ne: 5\n", few, head);
  EXPECT_EQ(head.fields.size(), 4U);
}

// Decodes a chunked body in pieces of `step`; nothing if it was refused. `rest` is what follows the
// body.
std::optional<std::string> decode(std::string_view bytes, std::size_t step, bool& finished,
                                  std::size_t& rest) {
  ChunkDecoder decoder;
  std::string body;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !decoder.finished(); at += step) {
    pending += bytes.substr(at, step);
    while (!pending.empty()) {
      const auto used = decoder.read_framing(pending);
      if (!used) return std::nullopt;
      pending.erase(0, *used);
      const auto data = std::min<std::uint64_t>(decoder.data_left(), pending.size());
      body += pending.substr(0, data);
      pending.erase(0, data);
      decoder.take(data);
      if (decoder.finished() || (*used == 0 && data == 0)) break;
    }
    rest = pending.size() + (bytes.size() - std::min(bytes.size(), at + step));
  }
  finished = decoder.finished();
  return body;
}

TEST(ChunkDecoder, TakesTheFramingOffHoweverItIsSplit) {
  const std::string bytes =
      "5\r\nhello\r\n001;a=b;c=\"d\"\r\n,\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\ny:\r\n\r\nGET /";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    bool finished = false;
    std::size_t rest = 0;
    EXPECT_EQ(decode(bytes, step, finished, rest), "hello,0123456789") << step;
    EXPECT_TRUE(finished);
    EXPECT_EQ(rest, 5U) << step;
  }
}

TEST(ChunkDecoder, RefusesMalformedFramingHoweverItIsSplit) {
  const std::vector<std::string> refused = {
      "g\r\n",
      "\r\n",
      ";x\r\n",
      "-1\r\n",
      "+1\r\nx\r\n",
      "0x1\r\nx\r\n",
      "1 \r\nx\r\n",
      " 1\r\nx\r\n",
      "1\nx\r\n",
      "1\rx\r\n",
      "1\r\nxy\r\n",
      "1\r\nx\n0\r\n\r\n",
      "1\r\nx\r0\r\n\r\n",
      "1\r\nx0\r\n\r\n",
      "1;a\n\r\nx\r\n",
      std::string("1;a\0\r\nx\r\n", 9),
      "1;a\rb\r\n",
      "1;" + std::string(257, 'e') + "\r\nx\r\n",
      "1234567890123456\r\n",
      "ffffffffffffffffff\r\n",
      "0000000000000000\r\n",
      "0\r\n\n",
      "0\r\nx\r\n\r\n",
      "0\r\n: y\r\n\r\n",
      "0\r\n x: y\r\n\r\n",
      "0\r\nx: y\n\r\n",
      "0\r\nx : y\r\n\r\n",
      "0\r\nx: a\x01\r\n\r\n",
      "0\r\n\rx",
      "0\r\nx: " + std::string(8192, 't') + "\r\n\r\n",
  };
  for (const std::string& bytes : refused) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
      bool finished = false;
      std::size_t rest = 0;
      EXPECT_EQ(decode(bytes, step, finished, rest), std::nullopt)
          << bytes.substr(0, 40) << " / " << step;
    }
  }
}

TEST(ChunkDecoder, IsNotFinishedBeforeTheLastByte) {
  const std::string bytes = "3\r\nabc\r\n0\r\nt: v\r\n\r\n";
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    bool finished = true;
    std::size_t rest = 0;
    EXPECT_TRUE(decode(bytes.substr(0, size), 1, finished, rest));
    EXPECT_FALSE(finished) << size;
  }
}

}  // namespace
}  // namespace visor::http
