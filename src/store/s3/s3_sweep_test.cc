#include "store/s3/s3_sweep.h"

#include <gtest/gtest.h>

#include <latch>

#include "support/test_s3_stores.h"

namespace visor::store {
namespace {

using async::run_until_done;
using testing_support::http_answer;

constexpr const char* kBlob = "6b1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";
constexpr const char* kOther = "7c1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";

class S3SweepTest : public testing::Test {
 protected:
  explicit S3SweepTest(FakeS3::Rules rules = {}) : server_(std::move(rules)) {}

  std::unique_ptr<S3Store> store(std::string prefix = "visor/") {
    S3Options options = options_for(server_);
    options.prefix = std::move(prefix);
    return store_for(std::move(options));
  }
  Time ago(std::chrono::hours age) const { return server_.rules().now - age; }

  FakeS3 server_;
};

TEST_F(S3SweepTest, EndsTheOldUploadsUnderItsPrefixAndNoOthers) {
  server_.begin_upload("visor/" + std::string(kBlob), ago(std::chrono::hours(24)), "old+/=");
  server_.begin_upload("visor/" + std::string(kOther), ago(std::chrono::hours(23)), "young");
  server_.begin_upload(kBlob, ago(std::chrono::hours(900)), "of another prefix");
  server_.begin_upload("visor/report.pdf", ago(std::chrono::hours(900)), "of somebody else");
  const auto ended = run_until_done(store()->sweep());
  ASSERT_TRUE(ended) << ended.error().message << ended.error().where;
  EXPECT_EQ(*ended, 1u);
  EXPECT_EQ(server_.uploads(),
            (std::vector<std::string>{"of another prefix", "of somebody else", "young"}));
}

TEST_F(S3SweepTest, LetsAnUploadOfItsOwnGoOnHoweverOldItIs) {
  S3Options options = options_for(server_);
  options.abandoned_after = std::chrono::milliseconds(1);
  // The store's clock is what counts, and by it a day has passed.
  server_.set_fault([this](const FakeS3Request& request, bool done) -> std::optional<std::string> {
    if (!request.asks("uploads") || request.method != "GET" || !done) return {};
    const auto entry = "<Upload><Key>" + std::string(kBlob) +
                       "</Key><UploadId>upload+1/=</UploadId><Initiated>" +
                       format_iso_time(server_.rules().now) + "</Initiated></Upload>";
    return http_answer("200 OK",
                       "<ListMultipartUploadsResult>" + entry + "</ListMultipartUploadsResult>",
                       "Date: " + format_http_time(ago(std::chrono::hours(-24))) + "\r\n");
  });
  const auto store = store_for(std::move(options));
  auto writer = run_until_done(store->create(kBlob, std::nullopt));
  ASSERT_TRUE(writer);
  const std::string bytes(6u << 20, 'x');
  const auto span = std::as_bytes(std::span(bytes));
  ASSERT_TRUE(run_until_done((*writer)->write(span)));
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{"upload+1/="});
  EXPECT_EQ(run_until_done(store->sweep()).value_or(99), 0u);
  ASSERT_TRUE(run_until_done((*writer)->commit(bytes.size())));

  // The same upload of a process that is gone.
  server_.begin_upload(kBlob, server_.rules().now, "upload+1/=");
  EXPECT_EQ(run_until_done(store->sweep()).value_or(99), 1u);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
}

class S3SweepOfManyPages : public S3SweepTest {
 protected:
  S3SweepOfManyPages() : S3SweepTest({.uploads_on_a_page = 2}) {}
};

TEST_F(S3SweepOfManyPages, ReadsThemAll) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    server_.begin_upload("visor/" + std::string(kBlob), ago(std::chrono::hours(25)), id);
  }
  const auto ended = run_until_done(store()->sweep());
  ASSERT_TRUE(ended) << ended.error().message << ended.error().where;
  EXPECT_EQ(*ended, 5u);
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
}

TEST_F(S3SweepTest, EndsWhenTheServerGoesRoundInCircles) {
  server_.set_fault([](const FakeS3Request&, bool) -> std::optional<std::string> {
    return http_answer("200 OK",
                       "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>"
                       "a</NextKeyMarker></ListMultipartUploadsResult>");
  });
  const auto ended = run_until_done(store()->sweep());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::unavailable);
}

TEST_F(S3SweepTest, SaysWhyAServerDoesNotList) {
  server_.set_fault([](const FakeS3Request&, bool) -> std::optional<std::string> {
    return FakeS3::error("403 Forbidden", "AccessDenied");
  });
  const auto ended = run_until_done(store()->sweep());
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().where.find("AccessDenied"), std::string::npos);
}

TEST_F(S3SweepTest, BeginsAtTheFirstTidyAndReturnsAtOnce) {
  std::latch asked(1);
  std::latch answered(1);
  server_.begin_upload("visor/" + std::string(kBlob), ago(std::chrono::hours(25)), "old");
  std::latch ended(1);
  server_.set_fault([&](const FakeS3Request& request, bool done) -> std::optional<std::string> {
    if (request.asks("uploads") && !done) {
      asked.count_down();
      answered.wait();
    }
    if (request.method == "DELETE" && done) ended.count_down();
    return {};
  });
  const auto swept = store();
  swept->tidy();
  asked.wait();
  // While one is under way there is no other.
  swept->tidy();
  answered.count_down();
  ended.wait();
  EXPECT_EQ(server_.uploads(), std::vector<std::string>{});
  EXPECT_EQ(server_.count("GET ?uploads"), 1u);
}

TEST_F(S3SweepTest, NeverBeginsWhereUploadsAreNeverAbandoned) {
  S3Options options = options_for(server_);
  options.abandoned_after = std::chrono::milliseconds(0);
  const auto bucket = S3Bucket::create(options);
  ASSERT_TRUE(bucket);
  S3Sweep sweep(*bucket, std::make_shared<S3Uploads>());
  EXPECT_FALSE(sweep.begin());
}

}  // namespace
}  // namespace visor::store
