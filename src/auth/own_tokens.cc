#include "auth/own_tokens.h"

#include <algorithm>
#include <utility>

#include "auth/identity_source.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/random.h"
#include "document/json.h"

namespace visor::auth {
namespace {

constexpr const char* kCollection = "revoked_tokens";
constexpr const char* kExpires = "expires";
constexpr const char* kAccount = "account";
// Of one account at a time: who makes and revokes tokens without end fills nobody's memory.
constexpr std::size_t kMostRevoked = 10'000;

std::string new_id() {
  std::string id = random_uuid();
  std::erase(id, '-');
  return id;
}

catalogue::Record record_of(const Token& token) {
  document::Value document = document::Value::object();
  document.set(kExpires, token.expires.time_since_epoch().count());
  document.set(kAccount, token.account);
  catalogue::Record record;
  record.collection = kCollection;
  record.id = token.id;
  record.document = document::write_json(document);
  return record;
}

}  // namespace

Principal GoodToken::principal() const {
  if (token.scope == TokenScope::none) return Principal::nobody();
  Principal who = account->principal;
  if (!credential) return who;
  who.administrator = who.administrator && credential->administrates();
  who.may_refer = who.may_refer && !credential->only_reads();
  who.read_only = credential->only_reads();
  who.user = who.account + "/" + credential->name;
  return who;
}

std::vector<std::string> GoodToken::roles() const {
  std::vector<std::string> all;
  if (account->principal.administrator) all.emplace_back("admin");
  all.emplace_back("member");
  all.emplace_back("reader");
  if (credential) {
    const std::vector<std::string>& granted = credential->roles;
    std::erase_if(all, [&granted](const std::string& role) {
      return std::ranges::find(granted, role) == granted.end();
    });
  }
  return all;
}

OwnTokens::OwnTokens(catalogue::Client& catalogue, Accounts& accounts,
                     ApplicationCredentials& credentials, Secret key, const Clock& clock)
    : catalogue_(catalogue),
      accounts_(accounts),
      credentials_(credentials),
      key_(std::move(key)),
      clock_(clock),
      nobody_(Principal::nobody(), false, Secret(random_bytes(32))) {}

// The account's secret is in the key, so that a new one ends all tokens whatever the clock says.
Secret OwnTokens::key_of(const Credentials& account) const {
  const Secret bound(account.id + ":" + std::string(account.secret().reveal()));
  return Secret(hmac(DigestAlgorithm::sha256, key_.reveal(), bound.reveal()));
}

OwnTokens::Issued OwnTokens::issue(Wanted wanted) const {
  Token token;
  token.id = new_id();
  token.account = wanted.account->principal.account;
  token.methods = std::move(wanted.methods);
  token.scope = wanted.scope;
  token.issued = clock_.now();
  token.expires = token.issued + wanted.lifetime;
  if (wanted.parent) {
    token.parent = wanted.parent->id;
    token.expires = std::min(token.expires, wanted.parent->expires);
  }
  if (wanted.credential) {
    token.credential = wanted.credential->id;
    if (wanted.credential->expires) {
      token.expires = std::min(token.expires, *wanted.credential->expires);
    }
  }
  Secret text(write_token(token, key_of(*wanted.account)));
  return {{std::move(token), std::move(wanted.account), std::move(wanted.credential)},
          std::move(text)};
}

async::Task<Result<GoodToken>> OwnTokens::check(std::string_view text) {
  auto read = read_token(text);
  if (!read) co_return refuse_caller("auth.own_tokens: form");
  Token& token = read->token;
  auto known = co_await accounts_.credentials(token.account);
  if (!known) co_return pass(known);
  const std::shared_ptr<const Credentials>& account = *known;
  const std::string right = token_seal(read->sealed, key_of(account ? *account : nobody_));
  if (!equal_in_constant_time(right, read->seal) || !account) {
    co_return refuse_caller("auth.own_tokens: seal");
  }
  if (!account->enabled || token.issued < account->tokens_from) {
    co_return refuse_caller("auth.own_tokens: account");
  }
  if (clock_.now() >= token.expires || revoked(token.id)) {
    co_return refuse_caller("auth.own_tokens: over");
  }
  std::optional<ApplicationCredential> credential;
  if (!token.credential.empty()) {
    auto found = co_await credentials_.get(account, token.credential);
    if (!found && found.error().code == Code::not_found) {
      co_return refuse_caller("auth.own_tokens: credential");
    }
    if (!found) co_return pass(found);
    credential.emplace(std::move(*found));
  }
  co_return GoodToken{std::move(token), account, std::move(credential)};
}

bool OwnTokens::revoked(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  return revoked_.contains(id);
}

bool OwnTokens::remember(const std::string& id, Revocation revocation) {
  const std::scoped_lock lock(mutex_);
  std::size_t& count = revoked_of_[revocation.account];
  if (count >= kMostRevoked && !revoked_.contains(id)) return false;
  if (revoked_.emplace(id, std::move(revocation)).second) ++count;
  return true;
}

void OwnTokens::forget(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = revoked_.find(id);
  if (found == revoked_.end()) return;
  const auto count = revoked_of_.find(found->second.account);
  if (count != revoked_of_.end() && --count->second == 0) revoked_of_.erase(count);
  revoked_.erase(found);
}

async::Task<Result<void>> OwnTokens::revoke(Token token) {
  // Before it is written: a revocation that fails half-way is still one.
  if (!remember(token.id, {token.account, token.expires})) {
    co_return fail(Code::rate_limited,
                   "too many tokens of this account were revoked that would still be good; a new "
                   "secret of the account ends all of them");
  }
  catalogue::Batch batch;
  batch.puts.push_back({record_of(token), 0});
  auto applied = co_await catalogue_.apply(std::move(batch));
  if (!applied && applied.error().code == Code::precondition) co_return Result<void>{};
  co_return applied;
}

async::Task<Result<void>> OwnTokens::load() {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query;
    query.collection = kCollection;
    query.limit = 1000;
    query.after = std::move(after);
    auto page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    for (const catalogue::Record& record : page->records) {
      const auto document = document::parse_json(record.document);
      const auto micros = document ? document->integer(kExpires) : std::nullopt;
      const std::string* account = document ? document->text(kAccount) : nullptr;
      if (!micros || account == nullptr) {
        co_return fail(Code::corrupt, "The record of a revoked token cannot be read.",
                       "auth.own_tokens " + record.id);
      }
      const Time expires{std::chrono::microseconds(*micros)};
      // Never more than were let in before.
      [[maybe_unused]] const bool kept = remember(record.id, {*account, expires});
    }
    after = std::move(page->next);
  } while (after);
  co_return Result<void>{};
}

async::Task<Result<void>> OwnTokens::tidy() {
  // Not at once, in case the clock goes back a little.
  const Time over = clock_.now() - std::chrono::hours(1);
  std::vector<std::string> gone;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, revocation] : revoked_) {
      if (revocation.expires < over && gone.size() < 1000) gone.push_back(id);
    }
  }
  if (gone.empty()) co_return Result<void>{};
  catalogue::Batch batch;
  for (const std::string& id : gone) batch.removes.push_back({kCollection, id, 1});
  auto applied = co_await catalogue_.apply(std::move(batch));
  if (!applied) co_return applied;
  for (const std::string& id : gone) forget(id);
  co_return Result<void>{};
}

}  // namespace visor::auth
