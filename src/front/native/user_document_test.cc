#include "front/native/user_document.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::front::native {
namespace {

UserWish read(std::string_view text) {
  auto wish = read_user(text);
  EXPECT_TRUE(wish) << text << ": " << (wish ? "" : wish.error().message);
  return wish ? std::move(*wish) : UserWish{};
}

std::string refusal_of(std::string_view text) {
  const auto wish = read_user(text);
  EXPECT_FALSE(wish) << text;
  if (wish) return {};
  EXPECT_EQ(wish.error().code, Code::invalid);
  return wish.error().message;
}

TEST(UserDocument, JsonAndXmlWithAndWithoutTheirRootAreRead) {
  for (const char* text :
       {R"({"user":{"access_key":"ada","email":"a@b.c","administrator":true,"quota_bytes":10}})",
        R"( {"access_key":"ada","email":"a@b.c","administrator":true,"quota_bytes":10})",
        "<user><access_key>ada</access_key><email>a@b.c</email>"
        "<administrator>true</administrator><quota_bytes>10</quota_bytes></user>"}) {
    const UserWish wish = read(text);
    EXPECT_EQ(wish.access_key, "ada") << text;
    EXPECT_EQ(wish.change.email, "a@b.c");
    EXPECT_EQ(wish.change.administrator, true);
    EXPECT_EQ(wish.change.quota_bytes, std::optional<std::uint64_t>(10));
    EXPECT_FALSE(wish.change.enabled);
    EXPECT_FALSE(wish.change.renew_secret);
  }
}

TEST(UserDocument, OtherFieldsAreFreeAttributes) {
  const UserWish wish = read(R"({"team":"blue","floor":3,"remote":true,"gone":null})");
  EXPECT_EQ(wish.extra, (std::map<std::string, std::string>{
                            {"team", "blue"}, {"floor", "3"}, {"remote", "true"}, {"gone", ""}}));
}

TEST(UserDocument, AQuotaCanBeTakenAway) {
  const UserWish wish = read(R"({"quota_bytes":null,"quota_images":""})");
  ASSERT_TRUE(wish.change.quota_bytes && wish.change.quota_images);
  EXPECT_FALSE(*wish.change.quota_bytes);
  EXPECT_FALSE(*wish.change.quota_images);
}

TEST(UserDocument, AWholeNumberIsOneHoweverItIsWritten) {
  for (const char* text : {"10000000000", "10000000000.0", "1e10"}) {
    const UserWish wish = read(std::string(R"({"quota_bytes":)") + text + "}");
    EXPECT_EQ(wish.change.quota_bytes, std::optional<std::uint64_t>(10'000'000'000)) << text;
  }
  for (const char* text : {"1.5", "-1.0", "1e19", "1e300"}) {
    const std::string refusal = refusal_of(std::string(R"({"quota_bytes":)") + text + "}");
    EXPECT_NE(refusal.find("whole number"), std::string::npos) << text;
  }
}

TEST(UserDocument, ASecretIsRenewedOnRequest) {
  EXPECT_TRUE(read(R"({"renew_secret":true})").change.renew_secret);
  EXPECT_TRUE(read("<user><renew_secret>true</renew_secret></user>").change.renew_secret);
}

TEST(UserDocument, WrongValuesAreRefusedByField) {
  EXPECT_NE(refusal_of(R"({"administrator":"perhaps"})").find("administrator"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"quota_bytes":-1})").find("quota_bytes"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"quota_images":"many"})").find("quota_images"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"renew_secret":1})").find("renew_secret"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"":""})").find("no name"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"access_key":false})").find("access_key"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"access_key":null})").find("access_key"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"email":["a"]})").find("email"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"tags":{"a":1}})").find("tags"), std::string::npos);
}

TEST(UserDocument, WhatTheServerSetsIsRefused) {
  for (const char* field : {"_id", "secret_key", "created_at", "updated_at"}) {
    const std::string text = std::string("{\"") + field + "\":\"x\"}";
    EXPECT_NE(refusal_of(text).find(field), std::string::npos);
  }
}

TEST(UserDocument, WhatIsNoDocumentIsRefused) {
  for (const char* text : {"", "  ", "[]", "{", "access_key=ada", "<user", "3",
                           "<!DOCTYPE x [<!ENTITY a \"b\">]><user/>"}) {
    refusal_of(text);
  }
}

TEST(UserDocument, TheSecretIsShownOnlyWhenItIsGiven) {
  auth::Account account;
  account.access_key = "ada";
  account.email = "a@b.c";
  account.id = "1";
  account.quota_images = 5;
  account.extra = {{"team", "blue"}, {"email", "shadow"}};
  const auto plain = user_object(account, std::nullopt);
  EXPECT_EQ(plain.find("secret_key"), nullptr);
  EXPECT_EQ(plain.integer("quota_images"), 5);
  EXPECT_EQ(plain.find("quota_bytes"), nullptr);
  EXPECT_EQ(*plain.text("team"), "blue");
  EXPECT_EQ(*plain.text("email"), "a@b.c");
  const auto told = user_object(account, Secret("s3cret"));
  EXPECT_EQ(*told.text("secret_key"), "s3cret");
}

}  // namespace
}  // namespace visor::front::native
