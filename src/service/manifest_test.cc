#include "service/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace visor::service {
namespace {

constexpr const char* kKey = "0d9c1b0e-7d0a-4c4e-9a55-0a4a3f4f7f11";

Manifest sample() {
  Manifest manifest;
  manifest.key = kKey;
  manifest.image.id = "7583d669-8a65-41f1-b8ae-eb34ff6b322f";
  manifest.image.revision = 7;
  manifest.image.owner = "alice";
  manifest.image.name = "Debian \"12\" größer";
  manifest.image.state = image::DataState::present;
  manifest.image.blob = "b10b";
  manifest.image.size = 5;
  manifest.image.extra = {{"tier", "gold"}};
  manifest.image.unknown = {{"of_a_later_version", R"({"a":[1,2]})"}};
  manifest.blob = {"b10b",
                   manifest.image.id,
                   Blob::Role::original,
                   5,
                   {{DigestAlgorithm::sha256, std::string(64, 'a')}}};
  return manifest;
}

TEST(Manifest, LiesRightBehindItsBlob) {
  EXPECT_EQ(manifest_key("ab-c"), "ab-c/manifest");
  EXPECT_EQ(described_key("ab-c/manifest"), "ab-c");
  EXPECT_LT(std::string("ab-c"), manifest_key("ab-c"));
  EXPECT_LT(manifest_key("ab-c"), std::string("ab-c0"));
  for (const char* key : {"ab-c", "manifest", "/manifest", "manifests", "a/manifest/b"}) {
    EXPECT_EQ(described_key(key), std::nullopt) << key;
  }
}

TEST(Manifest, GivesBackAllThatTheRecordsHold) {
  const Manifest written = sample();
  const auto read = read_manifest(kKey, *write_manifest(written));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->key, kKey);
  EXPECT_EQ(read->image.revision, 7u);
  EXPECT_EQ(encode(read->image).document, encode(written.image).document);
  EXPECT_EQ(encode(read->blob).document, encode(written.blob).document);
  EXPECT_EQ(read->blob.id, "b10b");
  EXPECT_FALSE(read->deleted);
}

TEST(Manifest, SaysThatTheImageWasPutAside) {
  Manifest written = sample();
  written.deleted = DeletedImage{written.image, "bob", Time(std::chrono::seconds(100)),
                                 Time(std::chrono::seconds(200)), 8};
  const auto read = read_manifest(kKey, *write_manifest(written));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(read->deleted);
  EXPECT_EQ(read->deleted->by, "bob");
  EXPECT_EQ(read->deleted->until, written.deleted->until);
  EXPECT_EQ(read->deleted->revision, 8u);
  EXPECT_EQ(encode(read->image).document, encode(written.image).document);
}

TEST(Manifest, NoticesEveryChangedByteAndEveryMissingEnd) {
  const std::string text = *write_manifest(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    const auto read = read_manifest(kKey, changed);
    ASSERT_FALSE(read) << "byte " << i << " of " << text;
    EXPECT_EQ(read.error().code, Code::corrupt);
    ASSERT_FALSE(read_manifest(kKey, text.substr(0, i)));
  }
}

TEST(Manifest, IsOfOneBlobOnly) {
  const auto read = read_manifest("another", *write_manifest(sample()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
  EXPECT_NE(read.error().message.find("another blob"), std::string::npos);
}

TEST(Manifest, OfALaterVersionIsNotGuessedAt) {
  const auto read = read_manifest(kKey, R"({"format":"visor-manifest","version":2})");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("version"), std::string::npos);
}

TEST(Manifest, HasALimit) {
  Manifest manifest = sample();
  manifest.image.extra["long"] = std::string(1 << 20, 'x');
  const auto written = write_manifest(manifest);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::too_large);
}

}  // namespace
}  // namespace visor::service
