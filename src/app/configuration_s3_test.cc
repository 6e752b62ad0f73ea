#include "app/configuration_s3.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "app/configuration.h"
#include "app/s3_parts.h"

namespace visor::app {
namespace {

Configuration read(const std::string& text) {
  auto outcome = parse_configuration(text, "visor-config.yml");
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? std::move(*outcome) : Configuration{};
}

TEST(ConfigurationOfS3, NeedsFiveLines) {
  const auto configuration = read(
      "default_store: s3\n"
      "stores:\n"
      "  s3:\n"
      "    host: ceph.example.org\n"
      "    bucket: images\n"
      "    access_key: visor\n"
      "    secret_key: hunter2\n");
  EXPECT_EQ(configuration.default_store, "s3");
  const StoreSettings& store = configuration.stores.at("s3");
  EXPECT_EQ(store.kind, StoreSettings::Kind::s3);
  const auto options = s3_options(store.s3);
  EXPECT_EQ(options.host, "ceph.example.org");
  EXPECT_TRUE(options.tls);
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.signature, store::S3Options::Signature::v4);
  EXPECT_EQ(options.style, store::S3Options::Style::path);
  EXPECT_TRUE(options.verify_certificates);
  EXPECT_EQ(store.s3.secret_key.reveal(), "hunter2");
}

TEST(ConfigurationOfS3, TakesAllThatCanBeSaid) {
  const auto configuration = read(
      "stores:\n"
      "  cold: {kind: s3, host: s3.example.org, port: 9000, tls: false, bucket: images,\n"
      "         prefix: visor/, region: eu-west-3, style: virtual-host, signature: v2,\n"
      "         access_key: visor, secret_key_file: key, authorities: ca.pem, verify: false,\n"
      "         part_size: 16 MiB, session_token_file: token, abandoned_after: 7d}\n");
  const S3Settings& settings = configuration.stores.at("cold").s3;
  const auto options = s3_options(settings);
  EXPECT_EQ(options.port, 9000);
  EXPECT_FALSE(options.tls);
  EXPECT_EQ(options.prefix, "visor/");
  EXPECT_EQ(options.region, "eu-west-3");
  EXPECT_EQ(options.style, store::S3Options::Style::virtual_host);
  EXPECT_EQ(options.signature, store::S3Options::Signature::v2);
  EXPECT_FALSE(options.verify_certificates);
  EXPECT_EQ(options.part_size, std::uint64_t{16} << 20);
  EXPECT_EQ(settings.secret_key_file, "key");
  EXPECT_EQ(settings.authorities, "ca.pem");
  EXPECT_EQ(settings.session_token_file, "token");
  EXPECT_EQ(options.abandoned_after, std::chrono::hours(7 * 24));
}

TEST(ConfigurationOfS3, RedirectsOnlyIfItIsTold) {
  const std::string start = "stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b";
  const auto presign = [&start](const std::string& rest) {
    return s3_options(read(start + rest + "}\n").stores.at("s3").s3).presign;
  };
  EXPECT_EQ(presign(""), std::chrono::seconds(0));
  EXPECT_EQ(presign(", redirect_lifetime: 1h"), std::chrono::seconds(0));
  EXPECT_EQ(presign(", redirect: true"), std::chrono::minutes(5));
  EXPECT_EQ(presign(", redirect: true, redirect_lifetime: 1h"), std::chrono::hours(1));
}

TEST(ConfigurationOfS3, MayLetAbandonedUploadsLie) {
  const auto configuration = read(
      "stores:\n"
      "  s3: {host: h, bucket: images, access_key: a, secret_key: b, abandoned_after: none}\n"
      "  lab: {kind: s3, host: h, bucket: images, access_key: a, secret_key: b}\n");
  EXPECT_EQ(s3_options(configuration.stores.at("s3").s3).abandoned_after.count(), 0);
  EXPECT_EQ(s3_options(configuration.stores.at("lab").s3).abandoned_after, std::chrono::hours(24));
}

TEST(ConfigurationOfS3, KnowsTheOldDialects) {
  const auto configuration = read(
      "stores:\n"
      "  walrus: {host: h, bucket: images, access_key: a, secret_key: b}\n"
      "  cumulus: {host: h, port: 8889, bucket: images, access_key: a, secret_key: b}\n"
      "  moon: {kind: lcs, bucket: images, access_key: a, secret_key: b}\n");
  const auto walrus = s3_options(configuration.stores.at("walrus").s3);
  EXPECT_EQ(walrus.base_path, "/services/objectstorage");
  EXPECT_EQ(walrus.port, 8773);
  EXPECT_FALSE(walrus.tls);
  EXPECT_EQ(s3_options(configuration.stores.at("cumulus").s3).port, 8889);
  const auto lcs = s3_options(configuration.stores.at("moon").s3);
  EXPECT_EQ(lcs.host, "lcs.lunacloud.com");
  EXPECT_EQ(lcs.signature, store::S3Options::Signature::v2);
}

TEST(ConfigurationOfS3, ReadsTheSecretFromAFileOrTheEnvironment) {
  std::string folder = std::filesystem::temp_directory_path() / "visor-s3-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  S3Settings settings;
  settings.host = "h";
  settings.bucket = "images";
  settings.access_key = "a";
  settings.secret_key_file = folder + "/key";
  const Configuration configuration;
  auto opened = open_s3(settings, configuration, s3_memory());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(settings.secret_key_file), std::string::npos);
  std::ofstream(settings.secret_key_file) << "hunter2\n";
  EXPECT_TRUE(open_s3(settings, configuration, s3_memory()));

  settings.secret_key_file.clear();
  settings.secret_key_environment = "VISOR_TEST_SECRET_OF_S3";
  opened = open_s3(settings, configuration, s3_memory());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("VISOR_TEST_SECRET_OF_S3"), std::string::npos);
  ::setenv("VISOR_TEST_SECRET_OF_S3", "hunter2", 1);
  EXPECT_TRUE(open_s3(settings, configuration, s3_memory()));
  ::setenv("VISOR_TEST_SECRET_OF_S3", "", 1);
  EXPECT_FALSE(open_s3(settings, configuration, s3_memory()));
  ::unsetenv("VISOR_TEST_SECRET_OF_S3");
  std::filesystem::remove_all(folder);
}

TEST(ConfigurationOfS3, ReadsTheSessionTokenFromAFileOrTheEnvironment) {
  std::string folder = std::filesystem::temp_directory_path() / "visor-s3-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  S3Settings settings;
  settings.host = "h";
  settings.bucket = "images";
  settings.access_key = "a";
  settings.secret_key = Secret("hunter2");
  settings.session_token_file = folder + "/token";
  const Configuration configuration;
  auto opened = open_s3(settings, configuration, s3_memory());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("session token"), std::string::npos);
  std::ofstream(settings.session_token_file) << std::string(3000, 't') << "\n";
  EXPECT_TRUE(open_s3(settings, configuration, s3_memory()));
  std::ofstream(settings.session_token_file) << "of two words\n";
  opened = open_s3(settings, configuration, s3_memory());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message.find("of two words"), std::string::npos);

  settings.session_token_file.clear();
  settings.session_token_environment = "VISOR_TEST_TOKEN_OF_S3";
  EXPECT_FALSE(open_s3(settings, configuration, s3_memory()));
  ::setenv("VISOR_TEST_TOKEN_OF_S3", "token", 1);
  EXPECT_TRUE(open_s3(settings, configuration, s3_memory()));
  ::unsetenv("VISOR_TEST_TOKEN_OF_S3");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace visor::app
