#include "audit/event.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::audit {
namespace {

const Seal kSeal{Secret("key")};
const Time kTime = *parse_iso_time("2026-06-15T21:05:20Z") + std::chrono::microseconds(42);

TEST(AuditLine, SaysWhoDidWhatToWhatFromWhereAndHowItEnded) {
  Principal who = Principal::root("ops");
  who.everybody = true;
  who.origin = {"request-1", "192.0.2.7"};
  Event event = event_of(who, "image.upload");
  event.image = "6b1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";
  event.of = 7;
  event.size = 1024;
  event.sha256 = "abcd";
  const std::string text = write_line(event, kTime, {8, std::string(64, 'f')}, kSeal);
  const auto value = document::parse_json(text);
  ASSERT_TRUE(value) << text;
  EXPECT_EQ(value->integer("sequence"), 9);
  EXPECT_EQ(*value->text("time"), "2026-06-15T21:05:20.000042Z");
  EXPECT_EQ(*value->text("verb"), "image.upload");
  EXPECT_EQ(*value->text("outcome"), "done");
  EXPECT_EQ(value->integer("of"), 7);
  EXPECT_EQ(*value->text("role"), "administrator");
  EXPECT_EQ(*value->text("account"), "ops");
  EXPECT_EQ(*value->text("scope"), "all");
  EXPECT_EQ(*value->text("from"), "192.0.2.7");
  EXPECT_EQ(*value->text("request"), "request-1");
  EXPECT_EQ(*value->text("image"), event.image);
  EXPECT_EQ(value->integer("size"), 1024);
  EXPECT_EQ(*value->text("sha256"), "abcd");
  EXPECT_EQ(*value->text("previous"), std::string(64, 'f'));
  EXPECT_EQ(value->text("seal")->size(), 32u);
  EXPECT_TRUE(sealed(text, kSeal));
}

TEST(AuditLine, IsReadAsItWasWritten) {
  Event event = event_of(Principal::of("alice"), "account.update");
  event.outcome = Outcome::refused;
  event.error = Code::forbidden;
  event.subject = "bob";
  event.detail = "a \"quoted\" \\ text";
  const auto line = read_line(write_line(event, kTime, {}, kSeal));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->sequence, 1u);
  EXPECT_EQ(line->previous, "");
  EXPECT_EQ(line->outcome, "refused");
  EXPECT_EQ(line->error, "forbidden");
  EXPECT_EQ(line->subject, "bob");
  EXPECT_EQ(line->role, "user");
  EXPECT_EQ(line->detail, event.detail);
}

TEST(AuditLine, HoldsWhateverAClientSendsAsOneLineOfCleanText) {
  Event event = event_of(Principal::of("alice"), "image.change");
  event.image = "x\",\"outcome\":\"done\"}\n{\"sequence\":1";
  event.subject = std::string("\x1b[2J\0\r\xff\xc0\xaf\x7f\xc2\x9b", 12);
  event.detail = std::string(5000, '\n');
  event.request = std::string(1000, 'r') + "\xe2\x82\xac";
  const std::string text = write_line(event, kTime, {}, kSeal);
  EXPECT_LT(text.size(), 12'000u);
  for (const char c : text) {
    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    EXPECT_NE(static_cast<unsigned char>(c), 0x7f);
  }
  const auto line = read_line(text);
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->image, event.image);
  EXPECT_EQ(line->detail.size(), kLongestDetail);
  EXPECT_EQ(line->request, std::string(kLongestText, 'r'));
  EXPECT_EQ(line->subject.find('\x7f'), std::string::npos);
  EXPECT_EQ(line->subject.find("\xc2\x9b"), std::string::npos);
}

TEST(AuditLine, ShowsCharactersThatTurnTextAroundAsEscapes) {
  Event event = event_of(Principal::of("a\u202ebc"), "image.change");
  event.detail = "x\u2028y\u2066z\u200e\ufeffw\u00e9\u20ac";
  const std::string text = write_line(event, kTime, {}, kSeal);
  EXPECT_TRUE(text.contains(R"("account":"a\u202ebc")")) << text;
  EXPECT_TRUE(text.contains("\"detail\":\"x\\u2028y\\u2066z\\u200e\\ufeffw\u00e9\u20ac\"")) << text;
  const auto line = read_line(text);
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->account, event.account) << "nothing of it is lost";
  EXPECT_EQ(line->detail, event.detail);
}

TEST(AuditLine, IsNotCutInTheMiddleOfACharacter) {
  Event event = own_event("log.start");
  event.image = std::string(kLongestText - 1, 'a') + "\xe2\x82\xac";
  const auto line = read_line(write_line(event, kTime, {}, kSeal));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->image, std::string(kLongestText - 1, 'a'));
}

TEST(AuditLine, ThatWasChangedAnywhereHasNotTheSealItMustHave) {
  Event event = event_of(Principal::of("alice"), "image.delete");
  event.image = "an-image";
  const std::string text = write_line(event, kTime, {3, std::string(64, '0')}, kSeal);
  ASSERT_TRUE(sealed(text, kSeal));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(sealed(changed, kSeal)) << i;
  }
  EXPECT_FALSE(sealed(text, Seal(Secret("another key"))));
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(read_line(std::string_view(text).substr(0, length))) << length;
  }
}

TEST(AuditLine, TellsApartWhoIsNobodyAndWhoOnlySaysToBeSomebody) {
  EXPECT_EQ(event_of(Principal::nobody(), "x").role, Role::anonymous);
  EXPECT_EQ(event_of(Principal::of("u"), "x").role, Role::user);
  EXPECT_EQ(event_of(Principal::root("r"), "x").role, Role::administrator);
  EXPECT_EQ(own_event("x").role, Role::server);
  EXPECT_EQ(to_string(Role::claimed), "claimed");
}

TEST(AuditSeal, NamesItsKeyWithoutTellingItAndDependsOnTheMasterKey) {
  const Seal one(seal_key(Secret("one")));
  const Seal other(seal_key(Secret("other")));
  EXPECT_EQ(one.key_id().size(), 16u);
  EXPECT_NE(one.key_id(), other.key_id());
  EXPECT_NE(one.of("text"), other.of("text"));
}

}  // namespace
}  // namespace visor::audit
