#include "auth/application_credentials.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/identity_source.h"
#include "auth/passwords.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/random.h"
#include "document/json.h"

namespace visor::auth {
namespace {

constexpr const char* kCollection = "application_credentials";
constexpr const char* kNames = "application_credential_names";
constexpr const char* kAccountFact = "account";
constexpr const char* kNameFact = "name";
constexpr std::size_t kMostOfAnAccount = 100;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestDescription = 1024;
constexpr std::size_t kSecretBytes = 48;  // 64 characters of base64url
constexpr std::array<std::string_view, 3> kRoles = {"admin", "member", "reader"};

bool has(const std::vector<std::string>& roles, std::string_view role) {
  return std::ranges::find(roles, role) != roles.end();
}

std::string new_id() {
  std::string id = random_uuid();
  std::erase(id, '-');
  return id;
}

/// Two credentials of one name would have the same one.
std::string name_id(const std::string& account_id, const std::string& name) {
  return digest_hex(DigestAlgorithm::sha256, account_id + "\n" + name);
}

/// Under the account's secret, so that what lies in the catalogue can't be tried without it, and a
/// renewed one ends what was made under it.
std::string verifier_of(const Secret& accounts, const std::string& salt, const Secret& secret) {
  const Secret text(salt + ":" + std::string(secret.reveal()));
  return to_hex(hmac(DigestAlgorithm::sha256, accounts.reveal(), text.reveal()));
}

Result<void> validate(const ApplicationCredential& wanted, const Credentials& account) {
  if (wanted.name.empty() || wanted.name.size() > kLongestName || !valid_utf8(wanted.name)) {
    return fail(Code::invalid,
                "An application credential needs a name of 1 to 255 bytes of UTF-8 text.");
  }
  if (wanted.description.size() > kLongestDescription || !valid_utf8(wanted.description)) {
    return fail(Code::invalid,
                "The description of an application credential may have 1024 bytes of UTF-8 text.");
  }
  for (const std::string& role : wanted.roles) {
    if (std::ranges::find(kRoles, role) == kRoles.end() ||
        (role == "admin" && !account.principal.administrator)) {
      return fail(Code::invalid,
                  "An application credential can have no role that its account does not have.");
    }
  }
  return {};
}

std::unexpected<Error> no_credential() {
  return fail(Code::not_found, "The account has no such application credential.");
}

}  // namespace

bool ApplicationCredential::administrates() const { return has(roles, "admin"); }

bool ApplicationCredential::only_reads() const {
  return !has(roles, "admin") && !has(roles, "member");
}

struct ApplicationCredentials::Stored {
  ApplicationCredential credential;
  std::string account_id;
  std::string salt;
  std::string verifier;
  std::uint64_t revision = 0;
};

catalogue::Record ApplicationCredentials::encode(const Stored& stored) {
  const ApplicationCredential& credential = stored.credential;
  document::Value document = document::Value::object();
  document.set("account", credential.account);
  document.set("account_id", stored.account_id);
  document.set("name", credential.name);
  document.set("description", credential.description);
  document::Value roles = document::Value::array();
  for (const std::string& role : credential.roles) roles.push(role);
  document.set("roles", std::move(roles));
  document.set("unrestricted", credential.unrestricted);
  if (credential.expires) document.set("expires", credential.expires->time_since_epoch().count());
  document.set("created", credential.created.time_since_epoch().count());
  document.set("salt", stored.salt);
  document.set("verifier", stored.verifier);
  catalogue::Record record;
  record.collection = kCollection;
  record.id = credential.id;
  record.document = document::write_json(document);
  record.facts = {{kAccountFact, stored.account_id}, {kNameFact, credential.name}};
  return record;
}

Result<ApplicationCredentials::Stored> ApplicationCredentials::decode(
    const catalogue::Record& record) {
  const auto document = document::parse_json(record.document);
  const std::string* account = document ? document->text("account") : nullptr;
  const std::string* account_id = document ? document->text("account_id") : nullptr;
  const std::string* name = document ? document->text("name") : nullptr;
  const std::string* salt = document ? document->text("salt") : nullptr;
  const std::string* verifier = document ? document->text("verifier") : nullptr;
  const document::Value* roles = document ? document->find("roles") : nullptr;
  if (!account || !account_id || !name || !salt || !verifier || !roles || !roles->is_array()) {
    return fail(Code::corrupt, "The record of an application credential cannot be read.",
                "auth.application_credential " + record.id);
  }
  Stored stored;
  ApplicationCredential& credential = stored.credential;
  credential.id = record.id;
  credential.account = *account;
  credential.name = *name;
  if (const std::string* description = document->text("description")) {
    credential.description = *description;
  }
  for (const document::Value& role : *roles->as_array()) {
    if (const std::string* text = role.as_text()) credential.roles.push_back(*text);
  }
  credential.unrestricted = document->boolean("unrestricted").value_or(false);
  const auto time = [&document](const char* member) -> std::optional<Time> {
    const auto micros = document->integer(member);
    if (!micros) return std::nullopt;
    return Time(std::chrono::microseconds(*micros));
  };
  credential.expires = time("expires");
  credential.created = time("created").value_or(Time{});
  stored.account_id = *account_id;
  stored.salt = *salt;
  stored.verifier = *verifier;
  stored.revision = record.revision;
  return stored;
}

ApplicationCredentials::ApplicationCredentials(catalogue::Client& catalogue, Accounts& accounts,
                                               GuessLimit& guesses, const Clock& clock)
    : catalogue_(catalogue), accounts_(accounts), guesses_(guesses), clock_(clock) {}

async::Task<Result<CredentialAndSecret>> ApplicationCredentials::create(
    std::shared_ptr<const Credentials> account, ApplicationCredential wanted,
    std::optional<Secret> secret) {
  if (auto valid = validate(wanted, *account); !valid) co_return pass(valid);
  if (secret && (secret->reveal().size() < 8 || secret->reveal().size() > 255)) {
    co_return fail(Code::invalid,
                   "The secret of an application credential must have 8 to 255 bytes.");
  }
  auto others = co_await list(account);
  if (!others) co_return pass(others);
  if (others->size() >= kMostOfAnAccount) {
    co_return fail(Code::quota, "An account can have 100 application credentials.");
  }
  if (!secret) secret = Secret(to_base64url(random_bytes(kSecretBytes)));
  if (wanted.roles.empty()) {
    if (account->principal.administrator) wanted.roles.emplace_back("admin");
    wanted.roles.emplace_back("member");
    wanted.roles.emplace_back("reader");
  }
  wanted.id = new_id();
  wanted.account = account->principal.account;
  wanted.created = clock_.now();
  Stored stored{std::move(wanted), account->id, to_hex(random_bytes(16)), {}, 1};
  stored.verifier = verifier_of(account->secret(), stored.salt, *secret);

  catalogue::Record name;
  name.collection = kNames;
  name.id = name_id(stored.account_id, stored.credential.name);
  name.document = "{}";
  catalogue::Batch batch;
  batch.puts.push_back({encode(stored), 0});
  batch.puts.push_back({std::move(name), 0});
  auto applied = co_await catalogue_.apply(std::move(batch));
  if (!applied && applied.error().code == Code::precondition) {
    co_return fail(Code::conflict,
                   "The account has an application credential of this name already.");
  }
  if (!applied) co_return pass(applied);
  co_return CredentialAndSecret{std::move(stored.credential), std::move(*secret)};
}

async::Task<Result<std::vector<ApplicationCredential>>> ApplicationCredentials::list(
    std::shared_ptr<const Credentials> account) {
  catalogue::Query query;
  query.collection = kCollection;
  query.filters = {{kAccountFact, account->id}};
  query.sort = catalogue::kNaturalOrder;
  query.limit = 1000;
  auto page = co_await catalogue_.find(std::move(query));
  if (!page) co_return pass(page);
  std::vector<ApplicationCredential> all;
  for (const catalogue::Record& record : page->records) {
    auto stored = decode(record);
    if (!stored) co_return pass(stored);
    all.push_back(std::move(stored->credential));
  }
  co_return all;
}

async::Task<Result<ApplicationCredentials::Stored>> ApplicationCredentials::load(std::string id) {
  if (id.empty() || id.size() > catalogue::kMaxName) co_return no_credential();
  const std::string collection(kCollection);
  auto record = co_await catalogue_.document(collection, id);
  if (!record && record.error().code == Code::not_found) co_return no_credential();
  if (!record) co_return pass(record);
  co_return decode(*record);
}

async::Task<Result<ApplicationCredentials::Stored>> ApplicationCredentials::load_of(
    std::shared_ptr<const Credentials> account, std::string id) {
  auto stored = co_await load(std::move(id));
  if (stored && stored->account_id != account->id) co_return no_credential();
  co_return stored;
}

async::Task<Result<ApplicationCredential>> ApplicationCredentials::get(
    std::shared_ptr<const Credentials> account, std::string id) {
  auto stored = co_await load_of(std::move(account), std::move(id));
  if (!stored) co_return pass(stored);
  co_return std::move(stored->credential);
}

async::Task<Result<ApplicationCredential>> ApplicationCredentials::find(
    std::shared_ptr<const Credentials> account, std::string name) {
  auto all = co_await list(std::move(account));
  if (!all) co_return pass(all);
  for (ApplicationCredential& credential : *all) {
    if (credential.name == name) co_return std::move(credential);
  }
  co_return no_credential();
}

async::Task<Result<void>> ApplicationCredentials::drop(Stored stored) {
  catalogue::Batch batch;
  batch.removes.push_back({kCollection, stored.credential.id, stored.revision});
  batch.removes.push_back({kNames, name_id(stored.account_id, stored.credential.name), 1});
  auto applied = co_await catalogue_.apply(std::move(batch));
  // Somebody else was quicker, since a credential is never changed.
  if (!applied && applied.error().code == Code::precondition) co_return no_credential();
  co_return applied;
}

async::Task<Result<void>> ApplicationCredentials::remove(std::shared_ptr<const Credentials> account,
                                                         std::string id) {
  auto stored = co_await load_of(std::move(account), std::move(id));
  if (!stored) co_return pass(stored);
  auto dropped = co_await drop(std::move(*stored));
  co_return dropped;
}

async::Task<Result<ApplicationCredentials::Shown>> ApplicationCredentials::check_stored(
    std::optional<Stored> stored, std::shared_ptr<const Credentials> account, Secret secret) {
  // The same work, whether there is such a credential or not.
  const Secret nobodys(random_bytes(32));
  const Secret& accounts = account ? account->secret() : nobodys;
  const std::string salt = stored ? stored->salt : to_hex(random_bytes(16));
  const std::string right = stored ? stored->verifier : std::string(64, '0');
  const bool same = equal_in_constant_time(verifier_of(accounts, salt, secret), right);
  const bool good = same && stored && account && account->enabled &&
                    account->id == stored->account_id &&
                    (!stored->credential.expires || clock_.now() < *stored->credential.expires);
  if (!good) co_return refuse_caller("auth.application_credentials");
  co_return Shown{std::move(account), std::move(stored->credential)};
}

async::Task<Result<ApplicationCredentials::Shown>> ApplicationCredentials::check_counted(
    std::string counted, std::string id, Secret secret, std::string_view address) {
  if (auto admitted = guesses_.admit(counted, address); !admitted) co_return pass(admitted);
  auto loaded = co_await load(std::move(id));
  if (!loaded && loaded.error().code != Code::not_found) co_return pass(loaded);
  std::optional<Stored> stored;
  std::shared_ptr<const Credentials> account;
  if (loaded) {
    stored.emplace(std::move(*loaded));
    auto known = co_await accounts_.credentials(stored->credential.account);
    if (!known) co_return pass(known);
    account = std::move(*known);
  }
  auto shown = co_await check_stored(std::move(stored), std::move(account), std::move(secret));
  if (shown) guesses_.right(counted, address);
  if (!shown) guesses_.wrong(counted, address);
  co_return shown;
}

async::Task<Result<ApplicationCredentials::Shown>> ApplicationCredentials::check(
    std::string id, Secret secret, std::string_view address) {
  std::string counted = "credential:" + id;
  auto shown =
      co_await check_counted(std::move(counted), std::move(id), std::move(secret), address);
  co_return shown;
}

async::Task<Result<ApplicationCredentials::Shown>> ApplicationCredentials::check(
    std::string access_key, std::string name, Secret secret, std::string_view address) {
  // Not by what is found: whether there is such a name is not for who guesses to know.
  std::string counted = "credential:" + access_key + "/" + name;
  auto account = co_await accounts_.credentials(std::move(access_key));
  if (!account) co_return pass(account);
  std::string id;
  if (*account) {
    auto found = co_await find(*account, std::move(name));
    if (!found && found.error().code != Code::not_found) co_return pass(found);
    if (found) id = found->id;
  }
  auto shown =
      co_await check_counted(std::move(counted), std::move(id), std::move(secret), address);
  co_return shown;
}

async::Task<Result<void>> ApplicationCredentials::sweep() {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query;
    query.collection = kCollection;
    query.limit = 100;
    query.after = std::move(after);
    auto page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    for (const catalogue::Record& record : page->records) {
      auto stored = decode(record);
      if (!stored) continue;
      auto account = co_await accounts_.credentials(stored->credential.account);
      if (!account) co_return pass(account);
      if (*account && (*account)->id == stored->account_id) continue;
      auto dropped = co_await drop(std::move(*stored));
      if (!dropped && dropped.error().code != Code::not_found) co_return dropped;
    }
    after = std::move(page->next);
  } while (after);
  co_return Result<void>{};
}

}  // namespace visor::auth
