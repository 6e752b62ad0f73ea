#include "admin.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::command {
namespace {

std::string account(std::vector<std::string> words) {
  const auto document = read_account(words);
  return document ? document::write_json(*document) : "refused: " + document.error().message;
}

TEST(Account, IsReadWithTheKindsThatItsFieldsHave) {
  EXPECT_EQ(account({"access_key=bob", "email=b@example.org", "role=administrator", "enabled=no",
                     "references=true", "quota_bytes=10GiB", "quota_images=5"}),
            R"({"access_key":"bob","email":"b@example.org","administrator":true,"enabled":false,)"
            R"("may_refer":true,"quota_bytes":10737418240,"quota_images":5})");
}

TEST(Account, TakesAQuotaAway) {
  EXPECT_EQ(account({"quota_bytes=", "quota_images="}),
            R"({"quota_bytes":null,"quota_images":null})");
}

TEST(Account, RefusesWhatItHasNot) {
  for (const char* word : {"role=king", "enabled=maybe", "quota_bytes=much", "quota_images=-1",
                           "secret_key=mine", "colour=blue", "email"}) {
    EXPECT_TRUE(account({word}).starts_with("refused: ")) << word;
  }
  EXPECT_TRUE(account({"email=a", "email=b"}).contains("twice"));
  EXPECT_TRUE(account({"role=user", "administrator=true"}).contains("twice"));
}

}  // namespace
}  // namespace visor::command
