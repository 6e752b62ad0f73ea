#include "auth/keystone_client.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "async/byte_source.h"
#include "auth/identity_source.h"
#include "base/log.h"
#include "document/json.h"

namespace visor::auth {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kLargestAnswer = 4 << 20;  // a catalogue can be long
constexpr auto kRenewAhead = seconds(60);
// Keystone locks users out who try wrong passwords too often.
constexpr auto kBetweenRefusedLogins = seconds(30);
constexpr auto kBetweenRepetitions = seconds(1);
constexpr const char* kTokens = "/v3/auth/tokens";

std::unexpected<Error> unreachable(std::string where) {
  return fail(Code::unavailable, "Keystone can't be asked who this is at the moment; try again",
              "keystone: " + std::move(where));
}

std::unexpected<Error> not_let_in(std::string where) {
  return fail(Code::unavailable,
              "Keystone does not tell this server who this is; its operator has to look after the "
              "server's own user",
              "keystone: " + std::move(where));
}

document::Value named(const std::string& name) { return document::Value::object({{"name", name}}); }

}  // namespace

Result<std::unique_ptr<KeystoneClient>> KeystoneClient::create(KeystoneEndpoints endpoints,
                                                               KeystoneLogin login,
                                                               const Clock& clock) {
  fetch::Guard::Options rules;
  for (const std::string& address : endpoints.addresses) {
    auto url = fetch::parse_url(address);
    if (!url) return pass(url);
    rules.exceptions.push_back(url->authority());
  }
  if (rules.exceptions.empty()) return fail(Code::invalid, "Keystone has no address");
  // Nothing else is ever asked.
  rules.ports = {};
  auto guard = fetch::Guard::create(std::move(rules));
  if (!guard) return pass(guard);
  fetch::Fetcher::Options options;
  options.connect_timeout = endpoints.timeout;
  options.first_byte_timeout = endpoints.timeout;
  options.rate_period = endpoints.timeout;
  options.largest_body = kLargestAnswer;
  options.attempts = 2;
  options.authorities_file = endpoints.authorities_file;
  auto fetcher = fetch::Fetcher::create(std::move(options), std::move(*guard));
  if (!fetcher) return pass(fetcher);
  return std::unique_ptr<KeystoneClient>(
      new KeystoneClient(std::move(endpoints), std::move(login), std::move(*fetcher), clock));
}

KeystoneClient::KeystoneClient(KeystoneEndpoints endpoints, KeystoneLogin login,
                               std::unique_ptr<fetch::Fetcher> fetcher, const Clock& clock)
    : endpoints_(std::move(endpoints)),
      login_(std::move(login)),
      fetcher_(std::move(fetcher)),
      clock_(clock) {}

async::Task<Result<KeystoneToken>> KeystoneClient::look_up(Secret token, bool even_expired) {
  const std::string path = std::string(kTokens) + (even_expired ? "?allow_expired=1" : "");
  for (int attempt = 0;; ++attempt) {
    auto own = co_await own_token();
    if (!own) co_return pass(own);
    std::vector<fetch::Field> fields = {{"X-Auth-Token", std::string((*own)->text.reveal())},
                                        {"X-Subject-Token", std::string(token.reveal())},
                                        {"Accept", "application/json"}};
    const std::string nothing;
    auto answer = co_await ask(path, std::move(fields), nothing);
    if (!answer) co_return pass(answer);
    switch (answer->status) {
      case 200:
        co_return read_keystone_token(answer->body);
      case 404:
        co_return refuse_caller("keystone: unknown token");
      case 401:
        // Of the server's own token: Keystone was restarted with other keys, or its clock is ahead.
        forget(**own);
        if (attempt == 0) continue;
        co_return not_let_in("its own token is refused, however new");
      case 403:
        co_return not_let_in("its own user may not look at tokens; it needs the role service");
      default:
        co_return unreachable("status " + std::to_string(answer->status));
    }
  }
}

async::Task<Result<document::Value>> KeystoneClient::catalogue_of(Secret token) {
  std::vector<fetch::Field> fields = {{"X-Auth-Token", std::string(token.reveal())},
                                      {"Accept", "application/json"}};
  const std::string nothing;
  auto answer = co_await ask("/v3/auth/catalog", std::move(fields), nothing);
  if (!answer) co_return pass(answer);
  if (answer->status == 401) co_return refuse_caller("keystone: no catalogue for the token");
  if (answer->status != 200) {
    co_return unreachable("catalogue, status " + std::to_string(answer->status));
  }
  auto document = document::parse_json(answer->body);
  const document::Value* const catalogue = document ? document->find("catalog") : nullptr;
  if (catalogue == nullptr) co_return unreachable("a catalogue that can't be read");
  co_return *catalogue;
}

async::Task<KeystoneClient::Own> KeystoneClient::own_token() {
  std::shared_ptr<const OwnToken> own;
  {
    const std::scoped_lock lock(mutex_);
    own = own_;
  }
  const Time now = clock_.now();
  if (own && now < own->renew) co_return own;
  const std::string the_only_one;
  const std::function<async::Task<Own>()> login = [this] { return log_in(); };
  auto renewed = co_await logins_.run(the_only_one, login);
  // As long as the old one is good, a Keystone that gives out no new one is no obstacle.
  if (!renewed && own && now < own->expires) co_return own;
  co_return renewed;
}

void KeystoneClient::forget(const OwnToken& refused) {
  const std::scoped_lock lock(mutex_);
  if (own_ && own_->text == refused.text) own_.reset();
}

document::Value KeystoneClient::login_document() const {
  using document::Value;
  Value identity = Value::object();
  Value auth = Value::object();
  if (!login_.application_credential.empty()) {
    Value credential = Value::object({{"id", login_.application_credential}});
    credential.set("secret", login_.application_credential_secret.reveal());
    identity.set("methods", Value::array({"application_credential"}));
    identity.set("application_credential", std::move(credential));
    auth.set("identity", std::move(identity));
    return Value::object({{"auth", std::move(auth)}});
  }
  Value user = Value::object({{"name", login_.username}});
  user.set("domain", named(login_.user_domain));
  user.set("password", login_.password.reveal());
  identity.set("methods", Value::array({"password"}));
  identity.set("password", Value::object({{"user", std::move(user)}}));
  Value project = Value::object({{"name", login_.project}});
  project.set("domain", named(login_.project_domain));
  auth.set("identity", std::move(identity));
  auth.set("scope", Value::object({{"project", std::move(project)}}));
  return Value::object({{"auth", std::move(auth)}});
}

async::Task<KeystoneClient::Own> KeystoneClient::log_in() {
  {
    const std::scoped_lock lock(mutex_);
    // Somebody's that landed between the caller's look and its call.
    if (own_ && clock_.now() < own_->renew) co_return own_;
    if (steady_clock::now() < login_from_) co_return not_let_in("its login was refused just now");
  }
  std::vector<fetch::Field> fields = {{"Content-Type", "application/json"},
                                      {"Accept", "application/json"}};
  const std::string path = std::string(kTokens) + "?nocatalog";
  const std::string body = document::write_json(login_document());
  auto answer = co_await ask(path, std::move(fields), body);
  if (!answer) co_return pass(answer);
  if (answer->status != 201) co_return refused_login(answer->status);
  auto token = read_keystone_token(answer->body);
  if (!token) co_return pass(token);
  if (answer->subject.empty()) co_return unreachable("a login without X-Subject-Token");
  const Time now = clock_.now();
  const Time half = now + (token->expires - now) / 2;
  auto own = std::make_shared<const OwnToken>(OwnToken{
      std::move(answer->subject), std::max(half, token->expires - kRenewAhead), token->expires});
  const std::scoped_lock lock(mutex_);
  own_ = own;
  co_return own;
}

KeystoneClient::Own KeystoneClient::refused_login(int status) {
  const bool refused = status == 401 || status == 403 || status == 404;
  if (!refused) return unreachable("login, status " + std::to_string(status));
  log::error(
      "Keystone refuses the server's own user: look at identity.keystone in the configuration",
      {{"status", std::to_string(status)}});
  const std::scoped_lock lock(mutex_);
  login_from_ = steady_clock::now() + kBetweenRefusedLogins;
  return not_let_in("login, status " + std::to_string(status));
}

bool KeystoneClient::may_repeat() {
  const auto now = steady_clock::now();
  const std::scoped_lock lock(mutex_);
  if (now < repeat_from_) return false;
  repeat_from_ = now + kBetweenRepetitions;
  return true;
}

async::Task<Result<KeystoneClient::Answer>> KeystoneClient::ask(std::string path,
                                                                std::vector<fetch::Field> fields,
                                                                std::string body) {
  const std::size_t count = endpoints_.addresses.size();
  const std::size_t first = preferred_.load();
  std::optional<Error> failure;
  // One that answers with an error of its own may do better the next time; not all callers try.
  const std::size_t turns = count == 1 ? 2 : count;
  for (std::size_t turn = 0; turn < turns; ++turn) {
    if (turn >= count && !may_repeat()) break;
    const std::size_t index = (first + turn) % count;
    std::string url = endpoints_.addresses[index] + path;
    auto answer = co_await ask_once(std::move(url), fields, body);
    if (answer && answer->status < 500 && answer->status != 429) {
      preferred_.store(index);
      co_return answer;
    }
    if (!answer && answer.error().code == Code::cancelled) co_return pass(answer);
    if (!answer) {
      failure = answer.error();
      // The fetcher has tried already.
      if (turn + 1 >= count) break;
    } else {
      failure = Error{Code::unavailable, {}, "status " + std::to_string(answer->status), {}};
    }
  }
  const std::string where = failure ? failure->where + " " + failure->message : "";
  co_return unreachable(where);
}

async::Task<Result<KeystoneClient::Answer>> KeystoneClient::ask_once(
    std::string url, std::vector<fetch::Field> fields, const std::string& body) {
  fetch::Call call;
  call.url = std::move(url);
  call.fields = std::move(fields);
  std::unique_ptr<async::ByteSource> source;
  if (!body.empty()) {
    source = async::text_source(body);
    call.method = "POST";
    call.body = source.get();
    call.body_size = body.size();
  }
  auto response = co_await fetcher_->call(std::move(call));
  if (!response) co_return pass(response);
  Answer answer;
  answer.status = (*response)->head.status;
  if (const auto subject = (*response)->head.field("x-subject-token")) {
    answer.subject = Secret(std::string(*subject));
  }
  async::ByteSource& rest = *(*response)->body;
  auto text = co_await async::read_all(rest, kLargestAnswer);
  if (!text) co_return pass(text);
  answer.body = std::move(*text);
  co_return answer;
}

}  // namespace visor::auth
