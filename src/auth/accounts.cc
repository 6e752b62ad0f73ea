#include "auth/accounts.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "document/json.h"

namespace visor::auth {
namespace {

constexpr const char* kGuardCollection = "account-guards";
constexpr const char* kGuardId = "administrators";
constexpr const char* kGuardMember = "enabled";
// Each lost race means that somebody else's change went through.
constexpr int kMostAttempts = 100;
constexpr std::size_t kSecretBytes = 30;  // 40 characters of base64url

Secret make_secret() { return Secret(to_base64url(random_bytes(kSecretBytes))); }

Result<void> validate_secret(const Secret& secret) {
  const std::string_view text = secret.reveal();
  const bool formed =
      text.size() >= 8 && text.size() <= 256 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (formed) return {};
  return fail(Code::invalid,
              "A secret key must have 8 to 256 characters of ASCII, without blanks.");
}

Time now_in_seconds(const Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.now());
}

std::unexpected<Error> no_account() {
  return fail(Code::not_found, "There is no account with this access key.");
}

std::unexpected<Error> busy() {
  return fail(Code::unavailable, "The accounts are being changed by too many at once; try again.",
              "auth.accounts: attempts used up");
}

bool lost_race(const Error& error) { return error.code == Code::precondition; }

void apply_change(Account& account, const AccountChange& change) {
  if (change.email) account.email = *change.email;
  if (change.administrator) account.administrator = *change.administrator;
  if (change.enabled) account.enabled = *change.enabled;
  if (change.may_refer) account.may_refer = *change.may_refer;
  if (change.quota_bytes) account.quota_bytes = *change.quota_bytes;
  if (change.quota_images) account.quota_images = *change.quota_images;
  if (change.extra) account.extra = *change.extra;
}

}  // namespace

Accounts::Accounts(catalogue::Client& catalogue, SecretBox box, const Clock& clock,
                   std::size_t cache_limit)
    : catalogue_(catalogue),
      clock_(clock),
      box_(std::make_shared<const SecretBox>(std::move(box))),
      cache_(cache_limit) {}

std::shared_ptr<const SecretBox> Accounts::box() const {
  const std::scoped_lock lock(box_mutex_);
  return box_;
}

async::Task<Result<StoredAccount>> Accounts::load(std::string access_key) {
  if (!valid_access_key(access_key)) co_return no_account();
  const std::string collection(kAccountCollection);
  auto record = co_await catalogue_.get(collection, access_key);
  if (!record && record.error().code == Code::not_found) co_return no_account();
  if (!record) co_return pass(record);
  co_return decode(*record);
}

async::Task<Result<Accounts::Guard>> Accounts::guard() {
  const std::string collection(kGuardCollection);
  const std::string id(kGuardId);
  auto record = co_await catalogue_.get(collection, id);
  if (!record && record.error().code == Code::not_found) co_return Guard{};
  if (!record) co_return pass(record);
  const auto document = document::parse_json(record->document);
  const auto count = document ? document->integer(kGuardMember) : std::nullopt;
  if (!count || *count < 0) {
    co_return fail(Code::corrupt, "The count of administrators cannot be read.", "auth.guard");
  }
  co_return Guard{*count, record->revision};
}

async::Task<Result<void>> Accounts::apply(catalogue::Batch batch, std::string access_key,
                                          int administrators) {
  if (administrators != 0) {
    auto now = co_await guard();
    if (!now) co_return pass(now);
    const std::int64_t count = now->administrators + administrators;
    if (count < 1) {
      co_return fail(Code::conflict,
                     "This is the last enabled administrator; make another one first.");
    }
    document::Value document = document::Value::object();
    document.set(kGuardMember, count);
    catalogue::Record record;
    record.collection = kGuardCollection;
    record.id = kGuardId;
    record.document = document::write_json(document);
    batch.puts.push_back({std::move(record), now->revision});
  }
  // Also around an error: it may have come after the change.
  const CredentialCache::Change change(cache_, std::move(access_key));
  auto applied = co_await catalogue_.apply(std::move(batch));
  co_return applied;
}

async::Task<Result<AccountAndSecret>> Accounts::create(Account account,
                                                       std::optional<Secret> secret) {
  if (auto valid = validate(account); !valid) co_return pass(valid);
  if (!secret) secret = make_secret();
  if (auto valid = validate_secret(*secret); !valid) co_return pass(valid);
  account.id = random_uuid();
  account.created_at = account.updated_at = now_in_seconds(clock_);
  account.tokens_from = clock_.now();
  account.revision = 1;
  StoredAccount stored{account, {}, {}};

  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto existing = co_await load(account.access_key);
    if (existing) {
      co_return fail(Code::conflict, "An account with this access key exists already.");
    }
    if (existing.error().code != Code::not_found) co_return pass(existing);
    stored.sealed_secret = box()->seal(*secret, secret_context(account.access_key));
    catalogue::Batch batch;
    batch.puts.push_back({encode(stored), 0});
    const int administrators = account.active_administrator() ? 1 : 0;
    auto applied = co_await apply(std::move(batch), account.access_key, administrators);
    if (applied) co_return AccountAndSecret{std::move(account), std::move(secret)};
    if (!lost_race(applied.error())) co_return pass(applied);
  }
  co_return busy();
}

async::Task<Result<Account>> Accounts::get(std::string access_key) {
  auto stored = co_await load(std::move(access_key));
  if (!stored) co_return pass(stored);
  co_return std::move(stored->account);
}

async::Task<Result<AccountPage>> Accounts::list(std::optional<std::string> after,
                                                std::uint32_t limit) {
  catalogue::Query query;
  query.collection = kAccountCollection;
  query.limit = limit;
  if (after) query.after = catalogue::Query::Position{"", std::move(*after)};
  auto page = co_await catalogue_.find(std::move(query));
  if (!page) co_return pass(page);
  AccountPage accounts;
  for (const catalogue::Record& record : page->records) {
    auto stored = decode(record);
    if (!stored) co_return pass(stored);
    accounts.accounts.push_back(std::move(stored->account));
  }
  if (page->next) accounts.next = page->next->id;
  co_return accounts;
}

async::Task<Result<AccountAndSecret>> Accounts::update_once(std::string access_key,
                                                            AccountChange change) {
  auto stored = co_await load(access_key);
  if (!stored) co_return pass(stored);
  Account& account = stored->account;
  const std::uint64_t revision = account.revision;
  if (change.expected_revision && *change.expected_revision != revision) {
    co_return fail(Code::precondition, "The account has been changed meanwhile.");
  }
  const int before = account.active_administrator() ? 1 : 0;
  const bool enabled = account.enabled;
  apply_change(account, change);
  if (auto valid = validate(account); !valid) co_return pass(valid);
  std::optional<Secret> made;
  if (change.renew_secret && !change.secret) made = make_secret();
  const std::optional<Secret>& secret = change.secret ? change.secret : made;
  if (secret) stored->sealed_secret = box()->seal(*secret, secret_context(access_key));
  // An account that is disabled and enabled again begins anew.
  if (secret || account.enabled != enabled) account.tokens_from = clock_.now();
  account.updated_at = now_in_seconds(clock_);
  catalogue::Batch batch;
  batch.puts.push_back({encode(*stored), revision});
  const int administrators = (account.active_administrator() ? 1 : 0) - before;
  auto applied = co_await apply(std::move(batch), access_key, administrators);
  if (!applied) co_return pass(applied);
  account.revision = revision + 1;
  co_return AccountAndSecret{std::move(account), std::move(made)};
}

async::Task<Result<AccountAndSecret>> Accounts::update(std::string access_key,
                                                       AccountChange change) {
  if (change.secret) {
    if (auto valid = validate_secret(*change.secret); !valid) co_return pass(valid);
  }
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto updated = co_await update_once(access_key, change);
    if (updated || !lost_race(updated.error()) || change.expected_revision) co_return updated;
  }
  co_return busy();
}

async::Task<Result<Account>> Accounts::remove_once(std::string access_key) {
  auto stored = co_await load(access_key);
  if (!stored) co_return pass(stored);
  catalogue::Batch batch;
  batch.removes.push_back({kAccountCollection, access_key, stored->account.revision});
  const int administrators = stored->account.active_administrator() ? -1 : 0;
  auto applied = co_await apply(std::move(batch), access_key, administrators);
  if (!applied) co_return pass(applied);
  co_return std::move(stored->account);
}

async::Task<Result<Account>> Accounts::remove(std::string access_key) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto removed = co_await remove_once(access_key);
    if (removed || !lost_race(removed.error())) co_return removed;
  }
  co_return busy();
}

std::optional<std::shared_ptr<const Credentials>> Accounts::credentials_at_hand(
    const std::string& access_key) {
  if (!valid_access_key(access_key)) return nullptr;
  return cache_.find(access_key).entry;
}

async::Task<Result<std::shared_ptr<const Credentials>>> Accounts::credentials(
    std::string access_key) {
  if (!valid_access_key(access_key)) co_return nullptr;
  CredentialCache::Found found = cache_.find(access_key);
  if (found.entry) co_return std::move(*found.entry);
  auto stored = co_await load(access_key);
  if (!stored && stored.error().code != Code::not_found) co_return pass(stored);
  std::shared_ptr<const Credentials> entry;
  if (stored) {
    auto secret = box()->open(stored->sealed_secret, secret_context(access_key));
    if (!secret) co_return std::unexpected(std::move(secret.error()).at("account " + access_key));
    const Account& account = stored->account;
    entry = std::make_shared<const Credentials>(
        account.principal(), account.enabled, std::move(*secret), account.id, account.tokens_from);
  }
  cache_.keep(access_key, entry, found);
  co_return entry;
}

async::Task<Result<bool>> Accounts::reseal(std::string access_key) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto stored = co_await load(access_key);
    if (!stored && stored.error().code == Code::not_found) co_return false;
    if (!stored) co_return pass(stored);
    const auto current = box();
    if (current->seals_like(stored->sealed_secret)) co_return false;
    const std::string context = secret_context(access_key);
    auto secret = current->open(stored->sealed_secret, context);
    if (!secret) co_return std::unexpected(std::move(secret.error()).at("account " + access_key));
    stored->sealed_secret = current->seal(*secret, context);
    catalogue::Batch batch;
    batch.puts.push_back({encode(*stored), stored->account.revision});
    auto applied = co_await apply(std::move(batch), access_key, 0);
    if (applied) co_return true;
    if (!lost_race(applied.error())) co_return pass(applied);
  }
  co_return busy();
}

async::Task<Result<std::size_t>> Accounts::rekey(SecretBox box) {
  {
    const std::scoped_lock lock(box_mutex_);
    box_ = std::make_shared<const SecretBox>(std::move(box));
  }
  // An account that was being made under the old key may come in behind the first pass, so the last
  // pass must find nothing.
  std::size_t rewritten = 0;
  for (;;) {
    auto pass_count = co_await reseal_all();
    if (!pass_count) co_return pass(pass_count);
    if (*pass_count == 0) co_return rewritten;
    rewritten += *pass_count;
  }
}

async::Task<Result<std::size_t>> Accounts::reseal_all() {
  std::size_t rewritten = 0;
  std::optional<std::string> after;
  do {
    auto page = co_await list(after, 100);
    if (!page) co_return pass(page);
    for (const Account& account : page->accounts) {
      auto resealed = co_await reseal(account.access_key);
      if (!resealed) co_return pass(resealed);
      if (*resealed) ++rewritten;
    }
    after = std::move(page->next);
  } while (after);
  co_return rewritten;
}

async::Task<Result<void>> Accounts::check_master_key() {
  const std::optional<std::string> start;
  auto page = co_await list(start, 1);
  if (!page) co_return pass(page);
  if (page->accounts.empty()) co_return Result<void>{};
  const std::string& first = page->accounts.front().access_key;
  auto opened = co_await credentials(first);
  if (!opened) co_return pass(opened);
  co_return Result<void>{};
}

async::Task<Result<RootOutcome>> Accounts::restore_root(std::string access_key, Secret secret) {
  using Action = RootOutcome::Action;
  auto stored = co_await load(access_key);
  if (!stored && stored.error().code == Code::not_found) {
    co_return RootOutcome{Action::ignored, std::move(access_key), std::nullopt};
  }
  if (!stored) co_return pass(stored);
  // A secret that no longer opens (the master key was lost) is replaced like another one.
  const auto known = box()->open(stored->sealed_secret, secret_context(access_key));
  if (known && *known == secret && stored->account.active_administrator()) {
    co_return RootOutcome{Action::kept, std::move(access_key), std::nullopt};
  }
  AccountChange change;
  change.secret = std::move(secret);
  change.administrator = true;
  change.enabled = true;
  auto updated = co_await update(access_key, std::move(change));
  if (!updated) co_return pass(updated);
  co_return RootOutcome{Action::replaced, std::move(access_key), std::nullopt};
}

async::Task<Result<RootOutcome>> Accounts::ensure_root(std::optional<std::string> access_key,
                                                       std::optional<Secret> secret) {
  auto now = co_await guard();
  if (!now) co_return pass(now);
  if (now->administrators > 0) {
    if (!access_key || !secret) co_return RootOutcome{};
    auto restored = co_await restore_root(std::move(*access_key), std::move(*secret));
    co_return restored;
  }
  const bool given = secret.has_value();
  Account account;
  account.access_key = access_key.value_or("admin");
  account.email = "root@localhost";
  account.administrator = true;
  account.may_refer = true;
  auto created = co_await create(std::move(account), std::move(secret));
  if (!created) co_return pass(created);
  RootOutcome outcome{RootOutcome::Action::created, created->account.access_key, std::nullopt};
  if (!given) outcome.secret = std::move(created->secret);
  co_return outcome;
}

}  // namespace visor::auth
