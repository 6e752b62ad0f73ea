#include "front/native/native_words.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace visor::front::native {
namespace {

constexpr const char* kAddress = "http://127.0.0.1:4568";
constexpr const char* kId = "6b1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";

Time at(const char* text) { return *parse_visor_time(text); }

image::Image stored_image() {
  image::Image image;
  image.id = kId;
  image.owner = "ada";
  image.name = "Debian 12";
  image.architecture = "x86_64";
  image.format = "qcow2";
  image.store = "file";
  image.state = image::DataState::present;
  image.size = 4096;
  image.digests = {{DigestAlgorithm::md5, std::string(32, 'a')},
                   {DigestAlgorithm::sha256, std::string(64, 'b')}};
  image.location = "file:///images/x";
  image.created_at = at("2012-06-15 21:05:20 +0000");
  image.updated_at = at("2012-06-15 21:05:21 +0000");
  image.uploaded_at = at("2012-06-15 21:05:22 +0000");
  image.extra = {{"os_version", "12.04"}, {"permissions", "0777"}};
  return image;
}

std::vector<std::string> names_of(const std::vector<NativeAttribute>& attributes) {
  std::vector<std::string> names;
  for (const auto& attribute : attributes) names.push_back(attribute.name);
  return names;
}

std::string value_of(const std::vector<NativeAttribute>& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &NativeAttribute::name);
  return found == attributes.end() ? "(undefined)" : found->value;
}

TEST(NativeWords, EveryDataStateHasItsStatus) {
  EXPECT_EQ(status_word(image::DataState::none), "locked");
  EXPECT_EQ(status_word(image::DataState::uploading), "uploading");
  EXPECT_EQ(status_word(image::DataState::staged), "uploading");
  EXPECT_EQ(status_word(image::DataState::present), "available");
  EXPECT_EQ(status_word(image::DataState::error), "error");
}

TEST(NativeWords, ABriefListCarriesSevenAttributes) {
  image::Image image = stored_image();
  image.type = "machine";
  const auto brief = native_attributes(image, Shown::brief, kAddress);
  EXPECT_EQ(names_of(brief), (std::vector<std::string>{"_id", "name", "architecture", "type",
                                                       "format", "store", "size"}));
  EXPECT_EQ(value_of(brief, "size"), "4096");
}

TEST(NativeWords, ADetailCarriesEverythingButTheReads) {
  const image::Reads reads{7, at("2013-01-02 03:04:05 +0000")};
  const auto detail = native_attributes(stored_image(), Shown::detail, kAddress, reads);
  EXPECT_EQ(value_of(detail, "uri"), std::string(kAddress) + "/images/" + kId);
  EXPECT_EQ(value_of(detail, "status"), "available");
  EXPECT_EQ(value_of(detail, "access"), "public");
  EXPECT_EQ(value_of(detail, "checksum"), std::string(32, 'a'));
  EXPECT_EQ(value_of(detail, "sha256"), std::string(64, 'b'));
  EXPECT_EQ(value_of(detail, "uploaded_at"), "2012-06-15 21:05:22 +0000");
  EXPECT_EQ(value_of(detail, "owner"), "ada");
  EXPECT_EQ(value_of(detail, "accessed_at"), "(undefined)");
  EXPECT_EQ(value_of(detail, "access_count"), "(undefined)");
}

TEST(NativeWords, OneImageAloneCarriesItsReads) {
  const image::Reads reads{7, at("2013-01-02 03:04:05 +0000")};
  const auto single = native_attributes(stored_image(), Shown::single, kAddress, reads);
  EXPECT_EQ(value_of(single, "accessed_at"), "2013-01-02 03:04:05 +0000");
  EXPECT_EQ(value_of(single, "access_count"), "7");
}

TEST(NativeWords, UndefinedAttributesAreLeftOut) {
  const auto detail = native_attributes(stored_image(), Shown::detail, kAddress);
  for (const char* name : {"type", "kernel", "ramdisk", "sha1"}) {
    EXPECT_EQ(value_of(detail, name), "(undefined)") << name;
  }
}

TEST(NativeWords, FreeAttributesFollowUnchanged) {
  const auto detail = native_attributes(stored_image(), Shown::detail, kAddress);
  EXPECT_EQ(value_of(detail, "os_version"), "12.04");
  EXPECT_EQ(value_of(detail, "permissions"), "0777");
}

TEST(NativeWords, AFreeAttributeNeverPassesForOneOfTheServers) {
  image::Image image = stored_image();
  image.extra["status"] = "available";
  image.state = image::DataState::none;
  const auto detail = native_attributes(image, Shown::detail, kAddress);
  EXPECT_EQ(value_of(detail, "status"), "locked");
  EXPECT_EQ(std::ranges::count(detail, "status", &NativeAttribute::name), 1);
}

TEST(NativeWords, AReferencesChecksumIsItsEntityTag) {
  image::Image image = stored_image();
  image.digests.clear();
  image.referred = true;
  image.entity_tag = "33a64df5";
  EXPECT_EQ(value_of(native_attributes(image, Shown::detail, kAddress), "checksum"), "33a64df5");
}

TEST(NativeWords, FiltersAreTranslatedIntoTheDomain) {
  struct Case {
    const char* name;
    const char* value;
    const char* domain_name;
    bool extra;
    const char* domain_value;
  };
  const Case cases[] = {
      {"_id", kId, "id", false, kId},
      {"status", "locked", "state", false, "none"},
      {"status", "uploading", "state", false, "uploading"},
      {"status", "available", "state", false, "present"},
      {"status", "error", "state", false, "error"},
      {"status", "none", "state", false, ""},
      {"access", "public", "access", false, "everyone"},
      {"access", "private", "access", false, "owner"},
      {"access", "everyone", "access", false, ""},
      {"checksum", "abc", "md5", false, "abc"},
      {"Name", "Ubuntu", "name", false, "Ubuntu"},
      {"os-version", "12.04", "os_version", true, "12.04"},
      {"md5", "abc", "md5", true, "abc"},
      {"created_at", "2012-06-15 22:05:20 +0100", "created_at", false, "2012-06-15 21:05:20 +0000"},
      {"created_at", "2012-06-15 22:05:20  0100", "created_at", false, "2012-06-15 21:05:20 +0000"},
      {"uploaded_at", "2012-06-15T21:05:20Z", "uploaded_at", false, "2012-06-15 21:05:20 +0000"},
      {"created_at", "yesterday", "created_at", false, "yesterday"},
  };
  for (const Case& expected : cases) {
    const auto filter = native_filter(expected.name, expected.value, kAddress);
    ASSERT_TRUE(filter) << expected.name << ": " << filter.error().message;
    EXPECT_EQ(filter->attribute.name, expected.domain_name);
    EXPECT_EQ(filter->attribute.extra, expected.extra) << expected.name;
    EXPECT_EQ(filter->value, expected.domain_value) << expected.name << "=" << expected.value;
  }
}

TEST(NativeWords, AUriFindsTheImageThatItNames) {
  const auto own = native_filter("uri", std::string(kAddress) + "/images/" + kId, kAddress);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->attribute.name, "id");
  EXPECT_EQ(own->value, kId);
  const auto foreign = native_filter("uri", std::string("http://other/images/") + kId, kAddress);
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->value, "");
}

TEST(NativeWords, ReadsAreComparedAsTheyAreWritten) {
  EXPECT_FALSE(reads_filter("uri", "x"));
  EXPECT_FALSE(reads_filter("name", "x"));
  EXPECT_FALSE(reads_filter("free", "x"));
  const image::Reads never;
  const image::Reads thrice{3, parse_visor_time("2012-06-15 21:05:20 +0000")};
  EXPECT_TRUE(fits(*reads_filter("access_count", "0"), never));
  EXPECT_TRUE(fits(*reads_filter("Access-Count", "3"), thrice));
  EXPECT_FALSE(fits(*reads_filter("access_count", "3"), never));
  EXPECT_TRUE(fits(*reads_filter("accessed_at", "2012-06-15 22:05:20 +0100"), thrice));
  EXPECT_FALSE(fits(*reads_filter("accessed_at", "2012-06-15 22:05:20 +0000"), thrice));
  EXPECT_FALSE(fits(*reads_filter("accessed_at", "2012-06-15 21:05:20 +0000"), never));
  EXPECT_FALSE(fits(*reads_filter("accessed_at", ""), never));
}

TEST(NativeWords, TheCatalogueIsNeverAskedForWhatIsKeptBesideTheRecord) {
  for (const char* name : {"accessed_at", "access_count"}) {
    const auto filter = native_filter(name, "1", kAddress);
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code, Code::invalid);
    EXPECT_NE(filter.error().message.find(name), std::string::npos);
    EXPECT_FALSE(native_sort(name));
  }
}

TEST(NativeWords, AParameterWithoutANameIsRefused) {
  EXPECT_FALSE(native_filter("", "x", kAddress));
  EXPECT_FALSE(native_filter(std::string(300, 'n'), "x", kAddress));
}

TEST(NativeWords, SortNamesAreTranslated) {
  EXPECT_EQ(native_sort("_id")->name, "id");
  EXPECT_EQ(native_sort("uri")->name, "id");
  EXPECT_EQ(native_sort("checksum")->name, "md5");
  EXPECT_EQ(native_sort("status")->name, "state");
  EXPECT_FALSE(native_sort("size")->extra);
  EXPECT_TRUE(native_sort("os_version")->extra);
}

TEST(NativeWords, EditsOfWhatTheServerSetsAreRefused) {
  for (const char* name :
       {"_id", "uri", "status", "owner", "size", "checksum", "sha1", "sha256", "sha512",
        "created_at", "updated_at", "uploaded_at", "accessed_at", "access_count", "-id"}) {
    const auto edit = native_edit(name, "x");
    ASSERT_FALSE(edit) << name;
    EXPECT_EQ(edit.error().code, Code::invalid);
    EXPECT_NE(edit.error().message.find(normal_name(name)), std::string::npos);
  }
}

TEST(NativeWords, AccessIsEditedInItsOwnWords) {
  EXPECT_EQ(native_edit("access", "public")->value, "everyone");
  EXPECT_EQ(native_edit("access", "private")->value, "owner");
  EXPECT_EQ(native_edit("access", "")->value, "");
  EXPECT_FALSE(native_edit("access", "everyone"));
  EXPECT_FALSE(native_edit("access", "Public "));
}

}  // namespace
}  // namespace visor::front::native
