#include "store/http/http_store.h"

#include <gtest/gtest.h>

#include <atomic>

#include "async/executor.h"
#include "support/scripted_server.h"

namespace visor::store {
namespace {

using async::run_until_done;
using testing_support::field_of;
using testing_support::http_answer;
using testing_support::ScriptedConnection;
using testing_support::ScriptedServer;

/// A web server with one file, whose habits can be set.
struct Habits {
  std::string data = "0123456789";
  std::string tag = "\"v1\"";
  std::string modified = {};
  bool ranges = true;
  bool conditions = true;
  bool chunked = false;
  int head_status = 200;
  bool head_length = true;
};

std::string answer(const Habits& habits, const std::string& head) {
  std::string fields;
  if (!habits.tag.empty()) fields += "ETag: " + habits.tag + "\r\n";
  if (!habits.modified.empty()) fields += "Last-Modified: " + habits.modified + "\r\n";
  if (head.starts_with("HEAD ")) {
    if (habits.head_status != 200) {
      return "HTTP/1.1 " + std::to_string(habits.head_status) + " No\r\nContent-Length: 7\r\n\r\n";
    }
    if (habits.head_length)
      fields += "Content-Length: " + std::to_string(habits.data.size()) + "\r\n";
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
  }
  const auto if_match = field_of(head, "If-Match");
  const auto unmodified = field_of(head, "If-Unmodified-Since");
  if (habits.conditions && ((!if_match.empty() && if_match != habits.tag) ||
                            (!unmodified.empty() && unmodified != habits.modified))) {
    return http_answer("412 Changed", "");
  }
  auto range = field_of(head, "Range");
  if (habits.ranges && range.starts_with("bytes=")) {
    const auto dash = range.find('-');
    const auto first = std::stoull(range.substr(6, dash - 6));
    const auto total = std::to_string(habits.data.size());
    if (first >= habits.data.size()) {
      return http_answer("416 No", "", "Content-Range: bytes */" + total + "\r\n");
    }
    std::size_t last = habits.data.size() - 1;
    if (dash + 1 < range.size())
      last = std::min<std::size_t>(last, std::stoull(range.substr(dash + 1)));
    fields += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
              total + "\r\n";
    return http_answer("206 Part", habits.data.substr(first, last - first + 1), fields);
  }
  if (!habits.chunked) return http_answer("200 OK", habits.data, fields);
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + "\r\na\r\n" + habits.data +
         "\r\n0\r\n\r\n";
}

class HttpStoreTest : public testing::Test {
 protected:
  void use(ScriptedServer::Script script, HttpStore::Options options = HttpStore::Options()) {
    store_.reset();
    fetcher_.reset();
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    auto guard = fetch::Guard::create({.exceptions = {server_->authority()}});
    auto fetcher = fetch::Fetcher::create({.attempts = 1}, std::move(*guard));
    fetcher_ = std::move(*fetcher);
    store_ = std::make_unique<HttpStore>(*fetcher_, options);
  }
  void use(const Habits& habits, HttpStore::Options options = HttpStore::Options()) {
    use(ScriptedServer::answering(
            [habits](const std::string& head) { return answer(habits, head); }),
        options);
  }
  void use_answer(std::string text) {
    use(ScriptedServer::answering([text](const std::string&) { return text; }));
  }

  std::string key() const { return server_->url("/image.iso?x=1"); }
  Result<BlobStatus> stat() { return run_until_done(store_->stat(key())); }
  Result<std::string> read(ByteRange range = {}, std::string version = {}) {
    auto source = run_until_done(store_->open(key(), range, std::move(version)));
    if (!source) return pass(source);
    return run_until_done(async::read_all(**source, 1 << 20));
  }
  Code code(ByteRange range = {}, std::string version = {}) {
    const auto result = read(range, std::move(version));
    return result ? Code::internal : result.error().code;
  }

  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<fetch::Fetcher> fetcher_;
  std::unique_ptr<HttpStore> store_;
};

TEST_F(HttpStoreTest, TellsSizeAndVersion) {
  use(Habits{});
  EXPECT_EQ(stat()->size, 10u);
  EXPECT_EQ(stat()->version, "etag:\"v1\"");
  EXPECT_EQ(stat()->entity_tag, "v1");
  use(Habits{.tag = "W/\"v1\"", .modified = "Fri, 15 Jun 2012 21:05:20 GMT"});
  EXPECT_EQ(stat()->version, "modified:Fri, 15 Jun 2012 21:05:20 GMT");
  EXPECT_EQ(stat()->entity_tag, "v1");
  use(Habits{.tag = "W/\"v1\"", .modified = ""});
  EXPECT_EQ(stat()->version, "weak:W/\"v1\"");
  use(Habits{.tag = "", .modified = ""});
  EXPECT_EQ(stat()->version, "size:10");
  EXPECT_EQ(stat()->entity_tag, "");
}

TEST_F(HttpStoreTest, AsksWithGetWhereHeadIsRefusedOrSaysNothing) {
  for (const int status : {400, 403, 405, 501}) {
    use(Habits{.modified = "", .head_status = status});
    EXPECT_EQ(stat()->size, 10u) << status;
    EXPECT_EQ(stat()->version, "etag:\"v1\"");
  }
  use(Habits{.modified = "", .head_length = false});
  EXPECT_EQ(stat()->size, 10u);
  use(Habits{.modified = "", .ranges = false, .head_status = 405});
  EXPECT_EQ(stat()->size, 10u);
  use(Habits{.modified = "", .ranges = false, .chunked = true, .head_status = 405});
  EXPECT_EQ(stat()->size, std::nullopt);
  use(Habits{.data = "", .modified = ""});
  EXPECT_EQ(stat()->size, 0u);
}

TEST_F(HttpStoreTest, ReadsRangesFromServersWithAndWithoutThem) {
  for (const bool ranges : {true, false}) {
    for (const bool chunked : {false, true}) {
      use(Habits{.modified = "", .ranges = ranges, .chunked = chunked});
      EXPECT_EQ(read(), "0123456789");
      EXPECT_EQ(read({3, 4}), "3456");
      EXPECT_EQ(read({3, std::nullopt}), "3456789");
      EXPECT_EQ(read({0, 1}), "0");
      EXPECT_EQ(read({8, 100}), "89");
      EXPECT_EQ(read({2, ~std::uint64_t{0}}), "23456789");
      EXPECT_EQ(read({5, 0}), "");
      EXPECT_EQ(read({10, std::nullopt}), "");
      EXPECT_EQ(read({10, 3}), "");
      EXPECT_EQ(code({11, 3}), Code::range);
      EXPECT_EQ(code({11, std::nullopt}), Code::range);
    }
  }
}

TEST_F(HttpStoreTest, AsksNoServerForAFragment) {
  use(Habits{});
  EXPECT_EQ(run_until_done(store_->stat(key() + "#second"))->size, 10u);
  auto source = run_until_done(store_->open(key() + "#second", ByteRange{2, 3}, {}));
  ASSERT_TRUE(source) << source.error().message;
  async::ByteSource& data = **source;
  EXPECT_EQ(*run_until_done(async::read_all(data, 100)), "234");
}

TEST_F(HttpStoreTest, KnowsTheSizeOfWhatItReads) {
  use(Habits{});
  auto source = run_until_done(store_->open(key(), {2, 5}, ""));
  EXPECT_EQ((*source)->size(), 5u);
  source = run_until_done(store_->open(key(), {}, ""));
  EXPECT_EQ((*source)->size(), 10u);
}

TEST_F(HttpStoreTest, NeverServesAChangedRemoteAsTheOldImage) {
  for (const bool conditions : {true, false}) {
    for (const bool ranges : {true, false}) {
      const std::string date = "Fri, 15 Jun 2012 21:05:20 GMT";
      use(Habits{.modified = date, .ranges = ranges, .conditions = conditions});
      EXPECT_EQ(read({1, 2}, "etag:\"v1\""), "12");
      EXPECT_EQ(read({}, "etag:\"v1\""), "0123456789");
      EXPECT_EQ(read({1, 2}, "modified:" + date), "12");
      EXPECT_EQ(read({1, 2}, "size:10"), "12");
      for (const std::string& old :
           {std::string("etag:\"v0\""), std::string("modified:Fri, 15 Jun 2012 21:05:19 GMT"),
            std::string("weak:W/\"v0\""), std::string("size:9"), std::string("unknown:x")}) {
        EXPECT_EQ(code({}, old), Code::precondition) << old;
        EXPECT_EQ(code({1, 2}, old), Code::precondition) << old;
        EXPECT_EQ(code({1, 0}, old), Code::precondition) << old;
      }
    }
  }
  // The validator has gone: nobody can tell.
  use(Habits{.tag = "", .modified = ""});
  EXPECT_EQ(code({}, "etag:\"v1\""), Code::precondition);
}

TEST_F(HttpStoreTest, TakesNoOtherRangeThanItAskedFor) {
  const std::string ranges[] = {"bytes 0-3/10", "bytes 3-5/10", "bytes 3-7/10", "bytes 4-7/10",
                                "bytes 3-6/5",  "bytes 3-5/*",  "items 3-6/10", ""};
  for (const auto& range : ranges) {
    use_answer(http_answer("206 Part", "3456", "Content-Range: " + range + "\r\n"));
    EXPECT_EQ(code({3, 4}), Code::unavailable) << range;
  }
  use_answer(http_answer("206 Part", "34567", "Content-Range: bytes 3-6/10\r\n"));
  EXPECT_EQ(code({3, 4}), Code::unavailable);
  use_answer(http_answer("206 Part", "0123456789", "Content-Range: bytes 0-9/10\r\n"));
  EXPECT_EQ(code({}), Code::unavailable);
  use_answer(
      "HTTP/1.1 206 Part\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes "
      "3-6/10\r\n\r\n2\r\n34\r\n0\r\n\r\n");
  EXPECT_EQ(code({3, 4}), Code::unavailable);
}

TEST_F(HttpStoreTest, SkipsOnlySoFarOnAServerWithoutRanges) {
  use(Habits{.modified = "", .ranges = false}, {.most_skipped = 4});
  EXPECT_EQ(read({4, 2}), "45");
  EXPECT_EQ(code({5, 2}), Code::unsupported);
}

TEST_F(HttpStoreTest, TellsATruncatedBodyFromAWholeOne) {
  use([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
  });
  EXPECT_EQ(code(), Code::unavailable);
  EXPECT_EQ(code({7, 2}), Code::unavailable);
}

TEST_F(HttpStoreTest, SaysWhatARemoteRefusalMeans) {
  const std::pair<const char*, Code> statuses[] = {
      {"404 No", Code::not_found},     {"410 Gone", Code::not_found},
      {"401 Who", Code::forbidden},    {"403 No", Code::forbidden},
      {"429 Slow", Code::unavailable}, {"500 Oops", Code::unavailable},
      {"503 Busy", Code::unavailable}, {"204 Nothing", Code::unavailable},
      {"302 Away", Code::unsupported},
  };
  for (const auto& [status, expected] : statuses) {
    use_answer("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(code(), expected) << status;
    EXPECT_EQ(stat().error().code, expected) << status;
  }
}

TEST_F(HttpStoreTest, AsksNothingOfForbiddenHosts) {
  use(Habits{});
  EXPECT_EQ(run_until_done(store_->stat("http://127.0.0.1/")).error().code, Code::forbidden);
  EXPECT_EQ(run_until_done(store_->stat("http://u:p@example.org/")).error().code, Code::invalid);
  EXPECT_EQ(run_until_done(store_->open("file:///etc/passwd", {}, "")).error().code,
            Code::forbidden);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpStoreTest, IsReadOnlyAndForThePrivileged) {
  use(Habits{});
  EXPECT_FALSE(store_->capability().writable);
  EXPECT_EQ(store_->capability().reference, Capability::Reference::privileged);
  EXPECT_EQ(run_until_done(store_->create(key(), 1)).error().code, Code::unsupported);
  EXPECT_EQ(run_until_done(store_->remove(key())).error().code, Code::unsupported);
  EXPECT_EQ(run_until_done(store_->list("", 1)).error().code, Code::unsupported);
  EXPECT_EQ(store_->location("http://a/b"), "http://a/b");
  EXPECT_EQ(store_->location("http://a/b?X-Amz-Signature=0f"), "http://a/b") << "a secret";
  EXPECT_EQ(store_->location("http://a/b?X-Amz-Signature=0f#disk"), "http://a/b#disk");
  EXPECT_EQ(server_->connections(), 0u);
}

}  // namespace
}  // namespace visor::store
