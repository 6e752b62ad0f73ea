#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "image/attributes.h"
#include "image/query.h"
#include "image/rules.h"

namespace visor::image {
namespace {

Image sample() {
  Image image;
  image.id = random_uuid();
  image.owner = "alice";
  image.name = "debian";
  image.architecture = "x86_64";
  return image;
}

Principal administrator(bool everybody) {
  Principal who = Principal::root("root");
  who.everybody = everybody;
  return who;
}

TEST(Edits, SetCoreAndFreeAttributesAndKeepTextUnchanged) {
  Image image;
  const Edits edits = {{"name", "Debian 12"},
                       {"architecture", "aarch64"},
                       {"permissions", "0777", true},
                       {"release", "12.04", true}};
  ASSERT_TRUE(apply_edits(edits, image).has_value());
  EXPECT_EQ(image.name, "Debian 12");
  EXPECT_EQ(image.extra.at("permissions"), "0777");
  EXPECT_EQ(image.extra.at("release"), "12.04");
}

TEST(Edits, LeaveTheImageAloneWhenOneOfThemIsWrong) {
  Image image = sample();
  const Edits edits = {{"name", "other"}, {"architecture", "z80"}};
  const auto outcome = apply_edits(edits, image);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, Code::invalid);
  EXPECT_NE(outcome.error().message.find("x86_64"), std::string::npos) << "it says what is allowed";
  EXPECT_EQ(image.name, "debian");
}

TEST(Edits, UndefineAnOptionalAttributeWithAnEmptyValueButNeverAMandatoryOne) {
  Image image = sample();
  image.format = "iso";
  image.extra["os"] = "linux";
  ASSERT_TRUE(apply_edits(Edits{{"format", ""}, {"os", "", true}}, image).has_value());
  EXPECT_TRUE(image.format.empty());
  EXPECT_TRUE(image.extra.empty());
  EXPECT_FALSE(apply_edits(Edits{{"name", ""}}, image).has_value());
}

TEST(Edits, RefuseWhatOnlyTheServerSets) {
  for (const char* name : {"id", "state", "size", "md5", "created_at", "location"}) {
    Image image = sample();
    EXPECT_FALSE(apply_edits(Edits{{name, "1"}}, image).has_value()) << name;
    EXPECT_FALSE(is_settable(name));
    EXPECT_TRUE(is_core_attribute(name));
  }
}

TEST(Edits, RefuseTextThatIsNotUtf8OrTooLongOrTooMuch) {
  Image image = sample();
  EXPECT_FALSE(apply_edits(Edits{{"name", "\xff"}}, image).has_value());
  EXPECT_FALSE(apply_edits(Edits{{"note", std::string("a\0b", 3), true}}, image).has_value());
  EXPECT_FALSE(apply_edits(Edits{{"note", std::string(kMaxAttributeValue + 1, 'x'), true}}, image)
                   .has_value());
  Edits many;
  for (std::size_t i = 0; i <= kMaxExtraAttributes; ++i)
    many.push_back({"a" + std::to_string(i), "v", true});
  EXPECT_FALSE(apply_edits(many, image).has_value());
  many.pop_back();
  EXPECT_TRUE(apply_edits(many, image).has_value());
}

TEST(Edits, BoundWhatAnImagesOwnAttributesComeToTogether) {
  Image image = sample();
  const std::size_t most = kMaxExtraBytes / kMaxAttributeValue;
  for (std::size_t i = 0; i + 1 < most; ++i) {
    const Edits one{{"n" + std::to_string(i), std::string(kMaxAttributeValue, 'x'), true}};
    EXPECT_TRUE(apply_edits(one, image).has_value()) << i;
  }
  const Edits last{{"last", std::string(kMaxAttributeValue, 'x'), true}};
  EXPECT_EQ(apply_edits(last, image).error().code, Code::invalid);
  EXPECT_FALSE(image.extra.contains("last"));
  EXPECT_TRUE(apply_edits(Edits{{"n0", "", true}}, image).has_value());
  EXPECT_TRUE(apply_edits(last, image).has_value()) << "room was made for it";
}

TEST(Rules, HideAnotherAccountsPrivateImageAndProtectItsPublicOne) {
  Image image = sample();
  const Principal owner = Principal::of("alice");
  const Principal other = Principal::of("bob");
  EXPECT_TRUE(check_may_change(owner, image).has_value());
  EXPECT_EQ(check_may_change(other, image).error().code, Code::forbidden);
  EXPECT_EQ(check_may_change(administrator(false), image).error().code, Code::forbidden);
  EXPECT_TRUE(check_may_change(administrator(true), image).has_value());

  image.access = Access::owner;
  EXPECT_TRUE(check_may_see(owner, image).has_value());
  EXPECT_EQ(check_may_see(other, image).error().code, Code::not_found);
  EXPECT_EQ(check_may_see(Principal::nobody(), image).error().code, Code::not_found);
  EXPECT_EQ(check_may_see(administrator(false), image).error().code, Code::not_found);
  EXPECT_TRUE(check_may_see(administrator(true), image).has_value());
}

TEST(Rules, AnImageWithoutOwnerBelongsToNobodyNotToTheAnonymous) {
  Image image = sample();
  image.owner.clear();
  image.access = Access::owner;
  EXPECT_FALSE(may_see(Principal::nobody(), image));
}

TEST(Rules, DataIsTakenOnlyOnceAndNeverReplaced) {
  for (const auto state : {DataState::none, DataState::error}) {
    Image image = sample();
    image.state = state;
    EXPECT_TRUE(begin_upload(image, "s1").has_value());
    EXPECT_EQ(begin_upload(image, "s2").error().code, Code::conflict);
    EXPECT_EQ(finish_upload(image, "s2", {}, Time()).error().code, Code::conflict);
    DataFacts data;
    data.digests[DigestAlgorithm::md5] = "d1";
    EXPECT_TRUE(finish_upload(image, "s1", data, Time()).has_value());
    EXPECT_EQ(image.state, DataState::present);
    for (const auto& attempt : {begin_upload(image, "s3"), fail_upload(image, "s1"),
                                refer(image, {}, Time()), finish_upload(image, "s1", {}, Time())}) {
      EXPECT_EQ(attempt.error().code, Code::conflict);
    }
    EXPECT_EQ(image.digests.at(DigestAlgorithm::md5), "d1");
  }
}

TEST(Rules, AFailedUploadMayBeTriedAgain) {
  Image image = sample();
  ASSERT_TRUE(begin_upload(image, "s1").has_value());
  ASSERT_TRUE(fail_upload(image, "s1").has_value());
  EXPECT_EQ(image.state, DataState::error);
  EXPECT_TRUE(begin_upload(image, "s2").has_value());
}

TEST(Rules, ADetectedFormatFillsAGapButNeverOverridesTheOwnersWord) {
  Image image = sample();
  ASSERT_TRUE(begin_upload(image, "s").has_value());
  DataFacts data;
  data.detected_format = "iso";
  Image declared = image;
  declared.format = "raw";
  ASSERT_TRUE(finish_upload(image, "s", data, Time()).has_value());
  ASSERT_TRUE(finish_upload(declared, "s", data, Time()).has_value());
  EXPECT_EQ(image.format, "iso");
  EXPECT_EQ(declared.format, "raw");
}

TEST(FactValues, SortNumbersByValueThenTimesThenText) {
  const std::vector<std::string> ordered = {"-12",
                                            "-1.5",
                                            "0",
                                            "7",
                                            "0777",
                                            "1e4",
                                            "2012-06-15 21:05:20 +0100",
                                            "2012-06-15 21:05:20 +0000",
                                            "12 monkeys",
                                            "Zebra",
                                            "abc"};
  for (std::size_t i = 0; i + 1 < ordered.size(); ++i) {
    EXPECT_LT(fact_value(ordered[i]), fact_value(ordered[i + 1]))
        << ordered[i] << " < " << ordered[i + 1];
  }
}

TEST(FactValues, AreEqualOnlyForEqualText) {
  EXPECT_NE(fact_value("12.0"), fact_value("12.00"));
  EXPECT_NE(fact_value("0"), fact_value("-0"));
  const std::string longer(1000, 'x');
  EXPECT_LE(fact_value(longer).size(), 256u);
  EXPECT_NE(fact_value(longer + "a"), fact_value(longer + "b"));
  EXPECT_EQ(fact_value(longer), fact_value(longer));
}

TEST(FactValues, TakeNoWordForANumber) {
  for (const char* text : {"nan", "inf", "-inf", "0x10", "1e999", "+5", ".5", "1_000", ""}) {
    EXPECT_EQ(fact_value(text), std::string("x") + text) << text;
  }
}

TEST(Facts, KeepFreeAttributesApartFromCoreOnes) {
  Image image = sample();
  image.extra["id"] = "forged";
  image.extra["@access"] = "everyone";
  image.access = Access::owner;
  const auto facts = facts_of(image);
  const auto count = [&](const std::string& name, const std::string& value) {
    return std::count(facts.begin(), facts.end(), std::pair{name, value});
  };
  EXPECT_EQ(count("id", fact_value(image.id)), 1);
  EXPECT_EQ(count("id", fact_value("forged")), 0);
  EXPECT_EQ(count(".id", fact_value("forged")), 1);
  EXPECT_EQ(count("@access", "everyone"), 0);
  EXPECT_EQ(count("@access", "account:alice"), 1);
}

TEST(Facts, HoldAPlaceForWhatListsAreSortedByUntilItIsKnown) {
  const auto facts = facts_of(sample());
  for (const char* name : {"type", "format", "size", "uploaded_at"}) {
    EXPECT_EQ(std::count(facts.begin(), facts.end(), std::pair{std::string(name), std::string()}),
              1)
        << name;
  }
}

TEST(Markers, ComeBackAsTheyWereWrittenAndForgedOnesAreRefused) {
  const std::string id = random_uuid();
  const Standing standing{fact_value("Zebra"), 0x8123456789abcdef};
  const auto marker = read_marker(write_marker(standing, id));
  ASSERT_TRUE(marker.has_value());
  EXPECT_EQ(marker->standing->value, standing.value);
  EXPECT_EQ(marker->standing->place, standing.place);
  EXPECT_EQ(marker->id, id);
  EXPECT_FALSE(read_marker(id)->standing.has_value());
  for (const char* text : {"", "x", "....", "%%%.abc", "../../etc/passwd"})
    EXPECT_FALSE(read_marker(text).has_value()) << text;
}

}  // namespace
}  // namespace visor::image
