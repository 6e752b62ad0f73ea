#include "auth/passwords.h"

#include "auth/auth_fixture.h"
#include "auth/fixed_identity.h"
#include "auth/http_basic.h"
#include "base/encoding.h"

namespace visor::auth {
namespace {

class PasswordsTest : public AuthFixture {
 protected:
  Result<Principal> identify(const std::string& authorization,
                             const std::string& address = "192.0.2.7") {
    HttpBasicIdentity identity(desk_->passwords);
    return run(identity.identify({.authorization = authorization, .address = address}));
  }
  static std::string basic(const std::string& pair) { return "Basic " + to_base64(pair); }
  Result<Principal> guess(const std::string& access_key, const std::string& address = "192.0.2.7") {
    return identify(basic(access_key + ":a-wrong-secret"), address);
  }
};

TEST_F(PasswordsTest, AnAccessKeyWithItsSecretIsItsAccount) {
  const auto who = identify(basic("ada:secret-of-ada"));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->account, "ada");
  EXPECT_TRUE(identify("bASIC " + to_base64("root:secret-of-root"))->administrator);
}

TEST_F(PasswordsTest, EverythingElseGetsOneAnswer) {
  const auto first = identify("");
  EXPECT_EQ(code_of(first), Code::unauthenticated);
  for (const std::string& wrong :
       {basic("ada:secret-of-bob"), basic("nobody:secret-of-nobody"), basic("ada"),
        basic("ada:secret-of-ada "), basic(":"), std::string("Basic"), std::string("Basic ***"),
        "Bearer " + to_base64("ada:secret-of-ada"), basic(std::string(5000, 'a'))}) {
    const auto refused = identify(wrong);
    EXPECT_EQ(code_of(refused), Code::unauthenticated) << wrong;
    EXPECT_EQ(refused.error().message, first.error().message);
  }
}

TEST_F(PasswordsTest, ADisabledAccountIsRefusedWithTheRightSecret) {
  AccountChange off;
  off.enabled = false;
  change("ada", off);
  EXPECT_EQ(code_of(identify(basic("ada:secret-of-ada"))), Code::unauthenticated);
}

TEST_F(PasswordsTest, GuessingIsSlowedDownFromItsAddressAlone) {
  for (int i = 0; i < 6; ++i) EXPECT_EQ(code_of(guess("ada")), Code::unauthenticated);
  EXPECT_EQ(code_of(guess("ada")), Code::rate_limited);
  // The right one, too: or guessing would go on.
  EXPECT_EQ(code_of(identify(basic("ada:secret-of-ada"))), Code::rate_limited);
  EXPECT_TRUE(identify(basic("ada:secret-of-ada"), "192.0.2.8"));
  EXPECT_TRUE(identify(basic("bob:secret-of-bob")));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(code_of(guess("ada")), Code::unauthenticated);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(code_of(guess("ada")), Code::rate_limited);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(identify(basic("ada:secret-of-ada")));
  EXPECT_EQ(code_of(guess("ada")), Code::unauthenticated);
}

TEST_F(PasswordsTest, GuessingAtManyAccountsIsSlowedDownToo) {
  for (int i = 0; i < 51; ++i) {
    EXPECT_EQ(code_of(guess("account-" + std::to_string(i), "2001:db8:1:2::" + std::to_string(i))),
              Code::unauthenticated);
  }
  EXPECT_EQ(code_of(guess("ada", "2001:db8:1:2:3:4:5:6")), Code::rate_limited);
  EXPECT_EQ(code_of(guess("ada", "2001:db8:1:3::1")), Code::unauthenticated);
}

TEST_F(PasswordsTest, ThePauseGrowsAndHasAnEnd) {
  GuessLimit limit(clock_);
  std::chrono::seconds longest{0};
  for (int i = 0; i < 40; ++i) {
    limit.wrong("ada", "192.0.2.7");
    std::chrono::seconds pause{0};
    while (!limit.admit("ada", "192.0.2.7")) {
      clock_.advance(std::chrono::seconds(1));
      ++pause;
    }
    EXPECT_GE(pause, std::min(longest, std::chrono::seconds(300)));
    longest = std::max(longest, pause);
  }
  EXPECT_EQ(longest, std::chrono::seconds(300));
  clock_.advance(std::chrono::minutes(20));
  limit.wrong("ada", "192.0.2.7");
  EXPECT_TRUE(limit.admit("ada", "192.0.2.7"));
}

TEST_F(PasswordsTest, AFloodOfAddressesTakesNoMoreRoomThanThereIs) {
  GuessLimit limit({.free_by_account = 0, .most_entries = 64}, clock_);
  for (int i = 0; i < 10'000; ++i) {
    limit.wrong("ada", "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    clock_.advance(std::chrono::microseconds(1));
  }
  // The latest are remembered.
  EXPECT_FALSE(limit.admit("ada", "10.0.39.249"));
  EXPECT_TRUE(limit.admit("ada", "10.0.0.0"));
}

TEST(FixedIdentity, TakesEverybodyForOne) {
  Principal lab = Principal::of("lab");
  FixedIdentity identity(lab);
  const auto who = async::run_until_done(identity.identify({.token = "any"}));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->account, "lab");
  EXPECT_FALSE(who->administrator);
  EXPECT_EQ(identity.challenge(), "");
}

}  // namespace
}  // namespace visor::auth
