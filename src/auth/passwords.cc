#include "auth/passwords.h"

#include <utility>

#include "auth/identity_source.h"
#include "base/digest.h"
#include "base/random.h"

namespace visor::auth {
namespace {

constexpr std::size_t kAsLongAsAKey = 32;

}  // namespace

bool same_secret(std::string_view left, std::string_view right) {
  const std::string key = random_bytes(kAsLongAsAKey);
  return equal_in_constant_time(hmac(DigestAlgorithm::sha256, key, left),
                                hmac(DigestAlgorithm::sha256, key, right));
}

Passwords::Passwords(Accounts& accounts, GuessLimit& guesses)
    : accounts_(accounts), guesses_(guesses), nobodys_(random_bytes(kAsLongAsAKey)) {}

async::Task<Result<std::shared_ptr<const Credentials>>> Passwords::check(std::string access_key,
                                                                         Secret secret,
                                                                         std::string_view address) {
  if (auto admitted = guesses_.admit(access_key, address); !admitted) co_return pass(admitted);
  auto known = co_await accounts_.credentials(access_key);
  if (!known) co_return pass(known);
  const std::shared_ptr<const Credentials>& account = *known;
  const Secret& right = account ? account->secret() : nobodys_;
  const bool same = same_secret(right.reveal(), secret.reveal());
  if (!account || !same || !account->enabled) {
    guesses_.wrong(access_key, address);
    co_return refuse_caller("auth.passwords");
  }
  guesses_.right(access_key, address);
  co_return std::move(*known);
}

}  // namespace visor::auth
