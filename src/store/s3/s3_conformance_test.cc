#include <gtest/gtest.h>

#include "conformance/store_suite.h"
#include "support/test_s3_stores.h"

namespace visor::store {
namespace {

/// A store over a server of its own.
class S3UnderTest final : public StoreUnderTest {
 public:
  S3UnderTest(FakeS3::Rules rules, std::string_view dialect, std::string prefix)
      : server_(std::move(rules)) {
    S3Options options = options_for(server_, dialect);
    options.prefix = std::move(prefix);
    store_ = store_for(std::move(options));
  }
  Store& store() override { return *store_; }
  std::vector<std::string> leftovers() override {
    auto left = server_.uploads();
    for (const auto& [name, object] : server_.objects()) left.push_back(name);
    return left;
  }

 private:
  FakeS3 server_;
  std::unique_ptr<S3Store> store_;
};

StoreKind kind(std::string name, FakeS3::Rules rules, std::string dialect,
               std::string prefix = {}) {
  return {std::move(name), [rules = std::move(rules), dialect, prefix] {
            return std::make_unique<S3UnderTest>(rules, dialect, prefix);
          }};
}

FakeS3::Rules old_server(std::string base_path) {
  FakeS3::Rules rules;
  rules.base_path = std::move(base_path);
  rules.version_2_signature = true;
  rules.knows_list_v2 = false;
  rules.knows_if_none_match = false;
  return rules;
}

INSTANTIATE_TEST_SUITE_P(
    S3, StoreSuite,
    testing::Values(kind("s3", {}, "s3"), kind("s3prefixed", {}, "s3", "visor/images-"),
                    kind("cumulus", old_server(""), "cumulus"),
                    kind("walrus", old_server("/services/objectstorage"), "walrus")),
    store_kind_name);

// A real server, named by VISOR_TEST_S3="endpoint,region,bucket,access,secret,style,signature":
// style is path or virtual-host, signature v4 or v2. Its bucket exists, and what is in it under the
// prefix "conformance-" is removed.
std::vector<std::string> real_server() {
  const char* const text = std::getenv("VISOR_TEST_S3");
  std::vector<std::string> words;
  if (text == nullptr) return words;
  words.emplace_back();
  for (const char c : std::string_view(text)) {
    if (c == ',') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

S3Options real_options() {
  const auto words = real_server();
  S3Options options = *s3_dialect("s3");
  if (words.size() != 7) return options;
  options.tls = words[0].starts_with("https://");
  auto host = words[0].substr(words[0].find("://") + 3);
  if (const auto colon = host.find(':'); colon != std::string::npos) {
    options.port = static_cast<std::uint16_t>(std::stoi(host.substr(colon + 1)));
    host.erase(colon);
  }
  options.host = host;
  options.verify_certificates = false;
  options.region = words[1];
  options.bucket = words[2];
  options.prefix = "conformance-";
  options.access_key = words[3];
  options.secret_key = Secret(words[4]);
  if (words[5] != "path") options.style = S3Options::Style::virtual_host;
  if (options.host == "localhost") {
    // A name below it is this machine, too (RFC 6761), but not every resolver knows.
    options.resolver = [](const std::string&) -> Result<std::vector<fetch::Address>> {
      return std::vector<fetch::Address>{*fetch::Address::parse("127.0.0.1")};
    };
  }
  if (words[6] == "v2") options.signature = S3Options::Signature::v2;
  return options;
}

class RealS3UnderTest final : public StoreUnderTest {
 public:
  RealS3UnderTest()
      : store_(store_for(real_options())), bucket_(*S3Bucket::create(real_options())) {
    auto listing = async::run_until_done(store_->list("", 1'000));
    EXPECT_TRUE(listing) << listing.error().message << " " << listing.error().where;
    if (!listing) return;
    for (auto& key : listing->keys) EXPECT_TRUE(async::run_until_done(store_->remove(key)));
  }
  Store& store() override { return *store_; }
  std::vector<std::string> leftovers() override {
    S3Request request;
    request.query = "uploads";  // some servers take a prefix for a whole name
    auto answer = async::run_until_done(bucket_->ask(std::move(request)));
    if (!answer || answer->refusal) return {};  // not every server tells
    std::vector<std::string> left;
    if (answer->body.find("<Key>conformance-") != std::string::npos) left.push_back(answer->body);
    return left;
  }

 private:
  std::unique_ptr<S3Store> store_;
  std::shared_ptr<S3Bucket> bucket_;
};

std::vector<StoreKind> real_kinds() {
  if (real_server().size() != 7) return {};
  return {{"server", [] { return std::make_unique<RealS3UnderTest>(); }}};
}

INSTANTIATE_TEST_SUITE_P(RealS3, StoreSuite, testing::ValuesIn(real_kinds()), store_kind_name);

TEST(RealS3Server, CarriesBlobsOfManyParts) {
  if (real_server().size() != 7) GTEST_SKIP() << "VISOR_TEST_S3 names no server";
  RealS3UnderTest under_test;
  Store& store = under_test.store();
  const auto bytes = pattern_bytes((17u << 20) + 5);
  auto writer = async::run_until_done(store.create("many-parts", std::nullopt));
  ASSERT_TRUE(writer);
  for (std::size_t at = 0; at < bytes.size(); at += 1'000'000) {
    ASSERT_TRUE(async::run_until_done(
        (*writer)->write(as_span(std::string_view(bytes).substr(at, 1'000'000)))));
  }
  const auto committed = async::run_until_done((*writer)->commit(bytes.size()));
  ASSERT_TRUE(committed) << committed.error().message << " " << committed.error().where;
  auto source = async::run_until_done(store.open("many-parts", {}, ""));
  ASSERT_TRUE(source);
  EXPECT_TRUE(drain(**source) == bytes);
  auto aborted = async::run_until_done(store.create("aborted", std::nullopt));
  ASSERT_TRUE(aborted);
  ASSERT_TRUE(async::run_until_done((*aborted)->write(as_span(bytes))));
  async::run_until_done((*aborted)->abort());
  EXPECT_TRUE(async::run_until_done(store.remove("many-parts")));
  EXPECT_EQ(under_test.leftovers(), std::vector<std::string>{});
}

}  // namespace
}  // namespace visor::store
