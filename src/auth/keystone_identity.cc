#include "auth/keystone_identity.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "auth/service_catalogue.h"
#include "base/digest.h"

namespace visor::auth {
namespace {

constexpr std::size_t kLongestToken = 8192;
// A token that is not known yet may be known in a moment, on another of Keystone's nodes.
constexpr std::chrono::seconds kLongestRefusal{10};
constexpr std::size_t kBytes = 1024;  // of an entry, with what it is kept in

// Few entries are not worth shards, which would be too small for them.
constexpr std::size_t shards_for(std::size_t entries) { return entries < 1024 ? 1 : 16; }

/// Whether it can stand in a header of the question.
bool well_formed(std::string_view token) {
  return !token.empty() && token.size() <= kLongestToken &&
         std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

struct KeystoneIdentity::Known {
  std::shared_ptr<const KeystoneToken> token;  ///< null: it is not good
  Time asked;
  Time until;
};

KeystoneIdentity::KeystoneIdentity(std::unique_ptr<KeystoneClient> keystone, Options options,
                                   const Clock& clock)
    : keystone_(std::move(keystone)),
      options_(std::move(options)),
      clock_(clock),
      good_(options_.entries * kBytes, shards_for(options_.entries)),
      bad_(options_.entries * kBytes, shards_for(options_.entries)) {}

async::Task<Result<Principal>> KeystoneIdentity::identify(Presented presented) {
  if (presented.token.empty()) co_return refuse_caller("keystone: no token");
  bool service = false;
  if (!presented.service_token.empty()) {
    auto vouching = co_await find(presented.service_token, false);
    if (!vouching) co_return pass(vouching);
    service = vouches(**vouching, options_.roles);
  }
  auto token = co_await find(presented.token, service);
  if (!token) co_return pass(token);
  auto who = principal_of(**token, options_.roles);
  if (who) who->service = service;
  co_return who;
}

async::Task<Result<std::string>> KeystoneIdentity::find_service(Secret token, ServiceQuery query) {
  auto catalogue = co_await keystone_->catalogue_of(std::move(token));
  if (!catalogue) co_return pass(catalogue);
  co_return find_in_catalogue(*catalogue, query);
}

std::shared_ptr<const KeystoneIdentity::Known> KeystoneIdentity::at_hand(const std::string& key,
                                                                         bool even_expired) {
  const Time now = clock_.now();
  for (SharedCache* cache : {&good_, &bad_}) {
    const auto found = cache->find(key);
    if (!found.known) continue;
    auto known = std::static_pointer_cast<const Known>(found.value);
    // A clock that went back makes nothing live longer.
    const bool counts = known->asked <= now && now < known->until;
    const bool over = known->token && !even_expired && now >= known->token->expires;
    if (counts && !over) return known;
  }
  return nullptr;
}

async::Task<KeystoneIdentity::Found> KeystoneIdentity::find(std::string_view token,
                                                            bool even_expired) {
  if (!well_formed(token)) co_return refuse_caller("keystone: form");
  const std::string key =
      digest_hex(DigestAlgorithm::sha256, token) + (even_expired ? " even expired" : "");
  if (const auto known = at_hand(key, even_expired)) {
    if (!known->token) co_return refuse_caller("keystone: refused just now");
    co_return known->token;
  }
  Secret text{std::string(token)};
  // Who asks anew each time must not be given an answer that was asked for before its call.
  if (options_.memory.count() == 0) {
    auto asked = co_await ask(key, std::move(text), even_expired);
    co_return asked;
  }
  const std::function<async::Task<Found>()> question = [&] { return ask(key, text, even_expired); };
  auto asked = co_await questions_.run(key, question);
  co_return asked;
}

async::Task<KeystoneIdentity::Found> KeystoneIdentity::ask(std::string key, Secret token,
                                                           bool even_expired) {
  const Time asked = clock_.now();
  const std::uint64_t good_ticket = good_.find(key).ticket;
  const std::uint64_t bad_ticket = bad_.find(key).ticket;
  auto answer = co_await keystone_->look_up(std::move(token), even_expired);
  const bool refused = !answer && answer.error().code == Code::unauthenticated;
  if (!answer && !refused) co_return pass(answer);
  auto known = std::make_shared<Known>();
  known->asked = asked;
  known->until = asked + (refused ? std::min(options_.memory, kLongestRefusal) : options_.memory);
  if (answer) known->token = std::make_shared<const KeystoneToken>(std::move(*answer));
  const std::shared_ptr<const KeystoneToken> token_found = known->token;
  if (options_.memory.count() > 0) {
    SharedCache& cache = refused ? bad_ : good_;
    cache.keep(key, std::move(known), kBytes / 2, refused ? bad_ticket : good_ticket);
    // What counted before must not outlive what is known now.
    (refused ? good_ : bad_).forget(key);
  }
  if (refused) co_return pass(answer);
  if (!even_expired && clock_.now() >= token_found->expires) {
    co_return refuse_caller("keystone: over");
  }
  co_return token_found;
}

std::string KeystoneIdentity::challenge() const {
  return "Keystone uri=\"" + options_.public_address + "\"";
}

}  // namespace visor::auth
