// Who may read and write: temporary credentials, and URLs for those who have none.
#include <gtest/gtest.h>

#include "fetch/fetch.h"
#include "support/test_s3_stores.h"

namespace visor::store {
namespace {

using async::run_until_done;

Result<void> put(Store& store, const std::string& key, std::string_view bytes) {
  auto writer = run_until_done(store.create(key, std::nullopt));
  if (!writer) return pass(writer);
  const auto span = std::as_bytes(std::span(bytes));
  if (auto written = run_until_done((*writer)->write(span)); !written) {
    run_until_done((*writer)->abort());
    return written;
  }
  return run_until_done((*writer)->commit(bytes.size()));
}

Result<std::string> get(Store& store, const std::string& key) {
  auto source = run_until_done(store.open(key, {}, ""));
  if (!source) return pass(source);
  return run_until_done(async::read_all(**source, std::size_t{64} << 20));
}

// What reads a blob without a key of its own, as the server checks it.
std::string fetched(const FakeS3& server, const std::string& url) {
  fetch::Guard::Options options;
  options.exceptions = {"127.0.0.1:" + std::to_string(server.port())};
  auto guard = fetch::Guard::create(std::move(options));
  EXPECT_TRUE(guard);
  auto fetcher = fetch::Fetcher::create({}, std::move(*guard));
  EXPECT_TRUE(fetcher);
  fetch::Call call;
  call.url = url;
  auto response = run_until_done((*fetcher)->call(std::move(call)));
  EXPECT_TRUE(response);
  if (!response || (*response)->head.status != 200) return "(refused)";
  async::ByteSource& body = *(*response)->body;
  return run_until_done(async::read_all(body, 1 << 20)).value_or("(broken)");
}

TEST(S3Urls, AreMadeOnlyIfTheStoreIsTold) {
  FakeS3 server;
  const auto store = store_for(options_for(server));
  EXPECT_EQ(store->capability().presign.count(), 0);
  const auto url = store->presigned("aa/blob", std::chrono::minutes(1));
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Code::unsupported);
}

TEST(S3Urls, ReadOneBlobWithoutAKey) {
  FakeS3 server;
  S3Options options = options_for(server);
  options.presign = std::chrono::minutes(5);
  options.prefix = "visor/";
  const auto store = store_for(options);
  EXPECT_EQ(store->capability().presign, std::chrono::minutes(5));
  server.put("visor/aa.blob", "for everybody");
  const auto url = store->presigned("aa/blob", store->capability().presign);
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_NE(url->find("X-Amz-Expires=300&"), std::string::npos);
  EXPECT_EQ(url->find(server.rules().secret), std::string::npos);
  EXPECT_EQ(fetched(server, *url), "for everybody");
  auto other = *url;
  other.replace(other.find("aa.blob"), 7, "aa.bloc");
  EXPECT_EQ(fetched(server, other), "(refused)");
}

class S3WithTemporaryCredentials : public testing::TestWithParam<bool> {};

TEST_P(S3WithTemporaryCredentials, SendsAndSignsTheTokenAndShowsItToNobody) {
  const std::string token = "FwoGZXIvYXdzE+/token==";
  FakeS3::Rules rules;
  rules.session_token = token;
  rules.version_2_signature = GetParam();
  FakeS3 server(rules);
  S3Options options = options_for(server);
  if (GetParam()) options.signature = S3Options::Signature::v2;
  options.attempts = 1;
  const auto without = put(*store_for(options), "blob", "bytes");
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("session token"), std::string::npos);

  options.session_token = Secret(token);
  const auto store = store_for(options);
  const auto bytes = std::string((5u << 20) + 1, 'x');
  ASSERT_TRUE(put(*store, "blob", bytes));
  EXPECT_TRUE(get(*store, "blob") == bytes);
  server.set_fault([](const FakeS3Request&, bool) -> std::optional<std::string> {
    return FakeS3::error("400 Bad Request", "ExpiredToken");
  });
  const auto expired = get(*store, "blob");
  ASSERT_FALSE(expired);
  EXPECT_EQ((expired.error().message + expired.error().where).find("FwoGZX"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Signatures, S3WithTemporaryCredentials, testing::Bool(),
                         [](const auto& test) { return test.param ? "v2" : "v4"; });

TEST(S3Urls, HaveTheTokenOfTemporaryCredentials) {
  FakeS3::Rules rules;
  rules.session_token = "FwoGZXIvYXdzE+/token==";
  FakeS3 server(rules);
  S3Options options = options_for(server);
  options.session_token = Secret(rules.session_token);
  options.presign = std::chrono::minutes(5);
  server.put("blob", "for everybody");
  const auto url = store_for(options)->presigned("blob", std::chrono::minutes(5));
  ASSERT_TRUE(url);
  EXPECT_EQ(fetched(server, *url), "for everybody");
}

}  // namespace
}  // namespace visor::store
