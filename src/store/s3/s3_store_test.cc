#include "store/s3/s3_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/s3/s3_upload.h"
#include "support/test_s3_stores.h"

namespace visor::store {
namespace {

using async::run_until_done;
using testing_support::http_answer;

std::string pattern_bytes(std::size_t count, unsigned seed = 1) {
  std::string bytes(count, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

std::span<const std::byte> as_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Result<std::string> drain(async::ByteSource& source) {
  return run_until_done(async::read_all(source, std::size_t{64} << 20));
}

constexpr std::size_t kPart = std::size_t{5} << 20;

Result<void> put(Store& store, const std::string& key, std::string_view bytes,
                 std::optional<std::uint64_t> size = std::nullopt) {
  auto writer = run_until_done(store.create(key, size));
  if (!writer) return pass(writer);
  for (std::size_t at = 0; at < bytes.size(); at += 300'000) {
    auto written = run_until_done((*writer)->write(as_span(bytes.substr(at, 300'000))));
    if (!written) {
      run_until_done((*writer)->abort());
      return written;
    }
  }
  return run_until_done((*writer)->commit(bytes.size()));
}

Result<std::string> get(Store& store, const std::string& key, ByteRange range = {}) {
  auto source = run_until_done(store.open(key, range, ""));
  if (!source) return pass(source);
  return drain(**source);
}

/// The first `times` requests that begin with `beginning` are answered with `text`, before they are
/// carried out or, if `afterwards`, after.
FakeS3::Fault first_times(int times, std::string beginning, std::string text,
                          bool afterwards = false) {
  auto left = std::make_shared<std::atomic<int>>(times);
  return [=](const FakeS3Request& request, bool done) -> std::optional<std::string> {
    const auto line = request.method + " " + request.object + "?" + request.query;
    if (done != afterwards || !line.starts_with(beginning) || left->load() <= 0) return {};
    --*left;
    return text;
  };
}

std::string truncated(std::size_t announced, std::string bytes, const std::string& tag) {
  return "HTTP/1.1 200 OK\r\nETag: " + tag + "\r\nContent-Length: " + std::to_string(announced) +
         "\r\n\r\n" + std::move(bytes);
}

class S3StoreTest : public testing::Test {
 protected:
  S3StoreTest() : store_(store_for(options_for(server_))) {}

  FakeS3 server_;
  std::unique_ptr<S3Store> store_;
};

TEST_F(S3StoreTest, SendsASmallBlobAtOnceAndALargeOneInParts) {
  ASSERT_TRUE(put(*store_, "aa/small", pattern_bytes(kPart), kPart));
  EXPECT_EQ(server_.count("PUT aa.small"), 1u);
  EXPECT_EQ(server_.count("POST"), 0u);
  const auto large = pattern_bytes(3 * kPart + 1, 2);
  ASSERT_TRUE(put(*store_, "aa/large", large));
  EXPECT_EQ(server_.count("PUT aa.large?partNumber="), 4u);
  EXPECT_EQ(server_.count("POST aa.large"), 2u);
  EXPECT_TRUE(get(*store_, "aa/large") == large);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
}

TEST_F(S3StoreTest, NamesTheObjectInItsLocation) {
  EXPECT_EQ(store_->location("aa/b-1"), "s3://images/aa.b-1");
}

TEST_F(S3StoreTest, SendsAPartAgainThatFailed) {
  for (const std::string& answer :
       {FakeS3::error("503 Slow Down", "SlowDown"), FakeS3::error("500 Broken", "InternalError"),
        FakeS3::error("400 Bad Request", "RequestTimeout"), std::string("-")}) {
    server_.set_fault(first_times(3, "PUT blob?partNumber=2", answer));
    const auto bytes = pattern_bytes(2 * kPart + 77);
    const auto outcome = put(*store_, "blob", bytes);
    ASSERT_TRUE(outcome) << outcome.error().message << outcome.error().where;
    EXPECT_TRUE(get(*store_, "blob") == bytes);
    ASSERT_TRUE(run_until_done(store_->remove("blob")));
  }
}

TEST_F(S3StoreTest, TakesAnUploadBackThatCannotBeFinished) {
  server_.set_fault(
      first_times(1'000, "PUT blob?partNumber=2", FakeS3::error("503 Busy", "SlowDown")));
  const auto outcome = put(*store_, "blob", pattern_bytes(3 * kPart));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_EQ(outcome.error().retry, Retry::exhausted);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
  EXPECT_TRUE(server_.objects().empty());
}

TEST_F(S3StoreTest, NoticesAPartThatArrivedAltered) {
  server_.set_fault(first_times(
      1, "PUT blob?partNumber=1",
      http_answer("200 OK", "", "ETag: \"0123456789abcdef0123456789abcdef\"\r\n"), true));
  const auto outcome = put(*store_, "blob", pattern_bytes(2 * kPart));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::corrupt);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
  EXPECT_TRUE(server_.objects().empty());
}

TEST_F(S3StoreTest, NoticesASmallBlobThatArrivedAltered) {
  server_.set_fault(first_times(
      1, "PUT blob", http_answer("200 OK", "", "ETag: \"0123456789abcdef0123456789abcdef\"\r\n"),
      true));
  const auto outcome = put(*store_, "blob", "12345");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::corrupt);
  EXPECT_TRUE(server_.objects().empty());
}

TEST_F(S3StoreTest, TakesNoErrorInASuccessForASuccess) {
  const auto late_failure =
      http_answer("200 OK", "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>");
  server_.set_fault(first_times(1'000, "POST blob?uploadId=", late_failure));
  const auto outcome = put(*store_, "blob", pattern_bytes(kPart + 1));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
  EXPECT_TRUE(server_.objects().empty());
  server_.set_fault(first_times(1, "POST blob?uploadId=", late_failure));
  EXPECT_TRUE(put(*store_, "blob", pattern_bytes(kPart + 1)));
}

TEST_F(S3StoreTest, KnowsItsOwnBlobAgainWhenTheAnswerWasLost) {
  for (const std::string& beginning :
       {std::string("PUT blob"), std::string("POST blob?uploadId=")}) {
    server_.set_fault(first_times(1, beginning, "-", true));
    const bool small = beginning.starts_with("PUT");
    const auto bytes = pattern_bytes(small ? 100 : kPart + 100);
    const auto outcome = put(*store_, "blob", bytes);
    ASSERT_TRUE(outcome) << beginning << outcome.error().message << outcome.error().where;
    EXPECT_TRUE(get(*store_, "blob") == bytes);
    ASSERT_TRUE(run_until_done(store_->remove("blob")));
  }
}

TEST_F(S3StoreTest, LetsABlobOfAnotherStandThatCameFirst) {
  // Between the look whether the key is free and the upload somebody else takes it.
  server_.set_fault([](const FakeS3Request& request, bool done) -> std::optional<std::string> {
    if (done || request.method != "PUT") return {};
    return FakeS3::error("412 Precondition Failed", "PreconditionFailed");
  });
  const auto outcome = put(*store_, "blob", "12345");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::conflict);
  EXPECT_EQ(server_.count("DELETE"), 0u);
}

TEST(S3StoreDialects, DoesWithoutIfNoneMatchWhereItIsNotKnown) {
  FakeS3::Rules rules;
  rules.knows_if_none_match = false;
  FakeS3 server(rules);
  const auto store = store_for(options_for(server));
  EXPECT_TRUE(put(*store, "one", "12345"));
  EXPECT_TRUE(put(*store, "two", pattern_bytes(kPart + 1)));
  EXPECT_EQ(server.count("PUT one"), 2u);
  EXPECT_EQ(server.count("POST two?uploadId="), 1u);
}

TEST(S3StoreDialects, ListsByTheFirstVersionWhereTheSecondIsNotKnown) {
  FakeS3::Rules rules;
  rules.knows_list_v2 = false;
  FakeS3 server(rules);
  const auto store = store_for(options_for(server));
  for (const char* name : {"a", "b", "c"}) server.put(name, "x");
  auto page = run_until_done(store->list("a", 1));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->keys, std::vector<std::string>{"b"});
  EXPECT_EQ(page->next, "b");
}

TEST(S3StoreDialects, PutsTheBucketIntoTheHostsName) {
  for (const bool version_2 : {false, true}) {
    FakeS3::Rules rules;
    rules.virtual_host = true;
    rules.version_2_signature = version_2;
    FakeS3 server(rules);
    server.host_name = "s3.test";
    auto options = options_for(server);
    options.style = S3Options::Style::virtual_host;
    if (version_2) options.signature = S3Options::Signature::v2;
    const auto store = store_for(std::move(options));
    const auto bytes = pattern_bytes(kPart + 1);
    const auto outcome = put(*store, "aa/blob", bytes);
    ASSERT_TRUE(outcome) << outcome.error().message << outcome.error().where;
    EXPECT_TRUE(get(*store, "aa/blob") == bytes);
    EXPECT_TRUE(run_until_done(store->list("", 10)));
  }
}

TEST(S3StoreDialects, KnowsWhatTheOldNamesMean) {
  const auto walrus = s3_dialect("walrus");
  ASSERT_TRUE(walrus);
  EXPECT_EQ(walrus->base_path, "/services/objectstorage");
  EXPECT_EQ(walrus->port, 8773);
  EXPECT_EQ(walrus->signature, S3Options::Signature::v2);
  const auto cumulus = s3_dialect("cumulus");
  ASSERT_TRUE(cumulus);
  EXPECT_EQ(cumulus->port, 8888);
  EXPECT_EQ(cumulus->signature, S3Options::Signature::v2);
  EXPECT_EQ(cumulus->style, S3Options::Style::path);
  const auto lcs = s3_dialect("lcs");
  ASSERT_TRUE(lcs);
  EXPECT_EQ(lcs->host, "lcs.lunacloud.com");
  EXPECT_EQ(lcs->signature, S3Options::Signature::v2);
  EXPECT_FALSE(s3_dialect("gopher"));
}

TEST_F(S3StoreTest, GoesOnReadingWhereTheConnectionBroke) {
  // The server closes the connection behind a message that ends like this.
  auto bytes = pattern_bytes(1'000'000);
  bytes.replace(400'000 - 5, 5, "(cut)");
  server_.put("blob", bytes);
  const auto tag = server_.objects().at("blob").tag;
  server_.set_fault(
      first_times(1, "GET blob", truncated(bytes.size(), bytes.substr(0, 400'000), tag)));
  const auto read = get(*store_, "blob");
  ASSERT_TRUE(read) << read.error().message << read.error().where;
  EXPECT_TRUE(*read == bytes);
  EXPECT_EQ(server_.count("GET blob"), 2u);
}

TEST_F(S3StoreTest, NeverJoinsTwoVersionsOfAnObject) {
  auto bytes = pattern_bytes(1'000'000);
  bytes.replace(400'000 - 5, 5, "(cut)");
  server_.put("blob", bytes);
  const auto tag = server_.objects().at("blob").tag;
  server_.set_fault(
      first_times(1, "GET blob", truncated(bytes.size(), bytes.substr(0, 400'000), tag)));
  auto source = run_until_done(store_->open("blob", {}, ""));
  ASSERT_TRUE(source);
  server_.put("blob", pattern_bytes(1'000'000, 7));
  const auto read = drain(**source);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::precondition);
}

TEST_F(S3StoreTest, EndsWithAnErrorWhenReadingBreaksAgainAndAgain) {
  server_.put("blob", pattern_bytes(100'000));
  const auto tag = server_.objects().at("blob").tag;
  server_.set_fault(first_times(1'000, "GET blob", truncated(100'000, "(cut)", tag)));
  const auto read = get(*store_, "blob");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unavailable);
}

TEST_F(S3StoreTest, NeverTakesAWholeObjectForAPartOfIt) {
  server_.put("blob", "0123456789");
  server_.set_fault(first_times(1'000, "GET blob", http_answer("200 OK", "0123456789")));
  EXPECT_EQ(get(*store_, "blob", {5, 2}).error().code, Code::unavailable);
}

TEST_F(S3StoreTest, SaysWhatIsWrongWithTheBucketTheKeyOrTheClock) {
  struct Case {
    std::string answer;
    std::string says;
  };
  const std::vector<Case> cases = {
      {FakeS3::error("404 Not Found", "NoSuchBucket"), "has no bucket \"images\""},
      {FakeS3::error("403 Forbidden", "AccessDenied"), "denies this server access"},
      {FakeS3::error("403 Forbidden", "InvalidAccessKeyId"), "does not know this server's access"},
      {FakeS3::error("403 Forbidden", "SignatureDoesNotMatch"), "check the store's secret key"},
      {FakeS3::error("301 Moved", "PermanentRedirect", "", "x-amz-bucket-region: eu-west-3\r\n"),
       "lies in the region eu-west-3, not in us-east-1"},
      {FakeS3::error("400 Bad", "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"),
       "lies in the region eu-west-3"},
      {FakeS3::error("403 Forbidden", "RequestTimeTooSkewed",
                     "<ServerTime>2026-03-14T18:00:00Z</ServerTime>"),
       "it is 2026-03-14T15:09:26Z here and 2026-03-14T18:00:00Z there"},
  };
  for (const auto& [answer, says] : cases) {
    server_.set_fault(first_times(1'000, "", answer));
    const std::vector<Error> errors = {get(*store_, "blob").error(),
                                       put(*store_, "blob", "12345").error(),
                                       put(*store_, "blob", pattern_bytes(kPart + 1)).error(),
                                       run_until_done(store_->remove("blob")).error(),
                                       run_until_done(store_->list("", 10)).error()};
    for (const Error& error : errors) {
      EXPECT_EQ(error.code, Code::unavailable) << error.where;
      EXPECT_EQ(error.retry, Retry::never) << error.where;
      EXPECT_NE(error.message.find(says), std::string::npos) << error.message;
    }
  }
}

TEST_F(S3StoreTest, AsksOnceMoreWhatIsWrongWhenHeadCannotSay) {
  server_.set_fault([](const FakeS3Request& request, bool) -> std::optional<std::string> {
    if (request.method == "HEAD") return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    return FakeS3::error("403 Forbidden", "InvalidAccessKeyId");
  });
  const auto status = run_until_done(store_->stat("blob"));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("access key"), std::string::npos);
}

TEST_F(S3StoreTest, ShowsNoSecretInItsErrors) {
  server_.set_fault(first_times(1'000, "", FakeS3::error("403 Forbidden", "AccessDenied")));
  const auto error = get(*store_, "blob").error();
  EXPECT_EQ((error.message + error.where).find("a-secret-of-tests"), std::string::npos);
}

TEST_F(S3StoreTest, SaysThatAServerIsNotThere) {
  auto options = options_for(server_);
  options.host = "127.0.0.1";
  options.port = 1;
  options.attempts = 2;
  const auto store = store_for(std::move(options));
  EXPECT_EQ(run_until_done(store->stat("blob")).error().code, Code::unavailable);
}

TEST_F(S3StoreTest, RefusesAnswersThatAreNoListing) {
  for (const char* body :
       {"", "no XML", "<Other/>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY y \"z\">]><ListBucketResult>&y;</ListBucketResult>"}) {
    server_.set_fault(first_times(1'000, "GET ", http_answer("200 OK", body)));
    EXPECT_EQ(run_until_done(store_->list("", 10)).error().code, Code::unavailable) << body;
  }
}

TEST_F(S3StoreTest, EndsAListingThatGoesRoundInCircles) {
  server_.set_fault(first_times(
      1'000, "GET ",
      http_answer("200 OK",
                  "<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
                  "<Contents><Key>b</Key></Contents></ListBucketResult>")));
  EXPECT_FALSE(run_until_done(store_->list("b", 10)));
}

TEST_F(S3StoreTest, PassesOverObjectsThatAreNoBlobs) {
  for (const char* name : {"README", "a", "folder/file", "with space", "z.z"})
    server_.put(name, "x");
  auto page = run_until_done(store_->list("", 2));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->keys, std::vector<std::string>{"a"});
  page = run_until_done(store_->list(*page->next, 2));
  ASSERT_TRUE(page);
  while (page->keys.empty() && page->next) page = run_until_done(store_->list(*page->next, 2));
  EXPECT_EQ(page->keys, std::vector<std::string>{"z/z"});
}

TEST_F(S3StoreTest, HoldsNoMoreMemoryThanItsBudgetForManyUploads) {
  auto options = options_for(server_);
  const auto memory = std::make_shared<PartMemory>(std::uint64_t{4} * kPart);
  options.memory = memory;
  options.memory_patience = std::chrono::minutes(10);
  const auto store = store_for(std::move(options));
  std::atomic<int> stored = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      const auto outcome = put(*store, "blob-" + std::to_string(i), pattern_bytes(2 * kPart + 9));
      EXPECT_TRUE(outcome) << outcome.error().message << outcome.error().where;
      if (outcome) ++stored;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(stored, 6);
  EXPECT_EQ(memory->taken(), 0u);
}

TEST_F(S3StoreTest, EndsUploadsThatAreUnderWayWhenItGoes) {
  // The part fails for as long as it lives, so it is being tried again when the store goes.
  server_.set_fault(first_times(1'000'000, "PUT", FakeS3::error("503 Busy", "SlowDown")));
  auto writer = run_until_done(store_->create("blob", std::nullopt));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(run_until_done((*writer)->write(as_span(pattern_bytes(kPart + 1)))));
  writer->reset();
  store_.reset();
}

TEST(S3Options, AreRefusedWithAReason) {
  FakeS3 server;
  const auto refused = [&server](auto change) {
    S3Options options = options_for(server);
    change(options);
    return !S3Store::create(std::move(options));
  };
  EXPECT_FALSE(refused([](S3Options&) {}));
  EXPECT_TRUE(refused([](S3Options& options) { options.host = ""; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.host = "a/b"; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.bucket = ""; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.bucket = "a/b?c"; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.prefix = "/x"; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.access_key = ""; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.access_key = "a\r\nb"; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.secret_key = Secret(); }));
  EXPECT_TRUE(refused([](S3Options& options) { options.region = ""; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.part_size = 1; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.parallel_parts = 0; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.base_path = "services"; }));
  EXPECT_TRUE(refused([](S3Options& options) { options.session_token = Secret("a\r\nb"); }));
  EXPECT_TRUE(refused([](S3Options& options) { options.presign = std::chrono::hours(24 * 8); }));
  EXPECT_TRUE(refused([](S3Options& options) {
    options.presign = std::chrono::minutes(5);
    options.signature = S3Options::Signature::v2;
  }));
}

TEST(S3Parts, HoldTheLargestImageInTenThousand) {
  const S3Options options;
  constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;
  for (const std::uint64_t size : {std::uint64_t{1}, kTiB / 100, kTiB}) {
    std::uint64_t held = 0;
    unsigned parts = 0;
    while (held < size && parts < 10'000) held += part_size(options, ++parts, size);
    EXPECT_GE(held, size);
  }
  std::uint64_t held = 0;
  for (unsigned part = 1; part <= 10'000; ++part) {
    held += part_size(options, part, std::nullopt);
    ASSERT_GE(part_size(options, part, std::nullopt), std::uint64_t{8} << 20);
    ASSERT_LE(part_size(options, part, std::nullopt), options.largest_part);
  }
  EXPECT_GE(held, kTiB * 8 / 10);
}

TEST(PartMemoryTest, ServesThoseWhoWaitInTheirOrder) {
  const auto memory = std::make_shared<PartMemory>(100);
  const auto patience = std::chrono::seconds(60);
  auto first = run_until_done(memory->take(70, patience));
  ASSERT_TRUE(first);
  std::thread second([&] {
    auto lease = run_until_done(memory->take(60, patience));
    EXPECT_TRUE(lease);
  });
  first = PartMemory::Lease();
  second.join();
  EXPECT_EQ(memory->taken(), 0u);
  EXPECT_EQ(run_until_done(memory->take(101, patience)).error().code, Code::too_large);
}

TEST(PartMemoryTest, TellsThoseWhoWaitInVainToComeAgain) {
  const auto memory = std::make_shared<PartMemory>(100);
  auto all = run_until_done(memory->take(100, std::chrono::seconds(60)));
  ASSERT_TRUE(all);
  const auto late = run_until_done(memory->take(1, std::chrono::milliseconds(5)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::unavailable);
  EXPECT_EQ(late.error().retry, Retry::later);
  EXPECT_EQ(memory->taken(), 100u);
}

}  // namespace
}  // namespace visor::store
