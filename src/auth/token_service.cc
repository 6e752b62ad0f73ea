#include "auth/token_service.h"

#include <algorithm>
#include <utility>

#include "auth/identity_source.h"

namespace visor::auth {
namespace {

bool administers(const GoodToken& who) { return who.principal().administrator; }

bool is_own(const GoodToken& who, const std::string& access_key) {
  return who.token.account == access_key;
}

Result<void> may_see(const GoodToken& who, const std::string& access_key) {
  if (is_own(who, access_key) || administers(who)) return {};
  return fail(Code::forbidden, "only administrators may see other accounts");
}

Result<void> may_see_credentials(const GoodToken& who, const std::string& user) {
  if (is_own(who, user)) return {};
  return fail(Code::forbidden, "application credentials are their own user's business");
}

Result<void> may_change_credentials(const GoodToken& who, const std::string& user) {
  if (auto own = may_see_credentials(who, user); !own) return own;
  if (who.token.scope != TokenScope::project) {
    return fail(Code::forbidden, "application credentials are made with a token for a project");
  }
  // Or a program could give itself more than it was given.
  if (!who.credential || who.credential->unrestricted) return {};
  return fail(Code::forbidden,
              "this application credential may not make or remove application credentials");
}

Result<TokenScope> scope_of(const WantedScope& wanted, const OwnTokens::Wanted& token) {
  switch (wanted.kind) {
    case WantedScope::Kind::usual:
      return TokenScope::project;
    case WantedScope::Kind::none:
      if (!token.credential) return TokenScope::none;
      break;
    case WantedScope::Kind::project:
      if (wanted.project == token.account->principal.account) return TokenScope::project;
      break;
    case WantedScope::Kind::system:
      if (token.account->principal.administrator && !token.credential) return TokenScope::system;
      break;
    case WantedScope::Kind::elsewhere:
      break;
  }
  return refuse_caller("auth.token_service: scope");
}

}  // namespace

TokenService::TokenService(Accounts& accounts, Passwords& passwords,
                           ApplicationCredentials& credentials, OwnTokens& tokens,
                           std::chrono::seconds lifetime)
    : accounts_(accounts),
      passwords_(passwords),
      credentials_(credentials),
      tokens_(tokens),
      lifetime_(lifetime) {}

async::Task<Result<OwnTokens::Wanted>> TokenService::show(Login login, std::string_view address) {
  OwnTokens::Wanted wanted;
  wanted.lifetime = lifetime_;
  if (login.method == Login::Method::password) {
    auto account =
        co_await passwords_.check(std::move(login.access_key), std::move(login.secret), address);
    if (!account) co_return pass(account);
    wanted.account = std::move(*account);
    wanted.methods = {"password"};
    co_return wanted;
  }
  if (login.method == Login::Method::application_credential) {
    auto task =
        login.credential.empty()
            ? credentials_.check(std::move(login.access_key), std::move(login.name),
                                 std::move(login.secret), address)
            : credentials_.check(std::move(login.credential), std::move(login.secret), address);
    auto shown = co_await std::move(task);
    if (!shown) co_return pass(shown);
    wanted.account = std::move(shown->account);
    wanted.credential = std::move(shown->credential);
    wanted.methods = {"application_credential"};
    co_return wanted;
  }
  const std::string_view text = login.secret.reveal();
  auto good = co_await tokens_.check(text);
  if (!good) co_return pass(good);
  wanted.account = std::move(good->account);
  wanted.credential = std::move(good->credential);
  wanted.methods = good->token.methods;
  if (std::ranges::find(wanted.methods, "token") == wanted.methods.end()) {
    wanted.methods.emplace_back("token");
  }
  wanted.parent = std::move(good->token);
  co_return wanted;
}

async::Task<Result<OwnTokens::Issued>> TokenService::log_in(Login login, std::string_view address) {
  const WantedScope scope = login.scope;
  auto wanted = co_await show(std::move(login), address);
  if (!wanted) co_return pass(wanted);
  const auto reach = scope_of(scope, *wanted);
  if (!reach) co_return std::unexpected(reach.error());
  wanted->scope = *reach;
  co_return tokens_.issue(std::move(*wanted));
}

async::Task<Result<GoodToken>> TokenService::caller(std::string_view token) {
  if (token.empty()) co_return refuse_caller("auth.token_service: no token");
  auto good = co_await tokens_.check(token);
  co_return good;
}

async::Task<Result<GoodToken>> TokenService::look_up(const GoodToken& who,
                                                     std::string_view subject) {
  auto good = co_await tokens_.check(subject);
  if (!good && good.error().code == Code::unauthenticated) {
    co_return fail(Code::not_found, "there is no such token");
  }
  if (!good) co_return good;
  if (auto may = may_see(who, good->token.account); !may) co_return pass(may);
  co_return good;
}

async::Task<Result<void>> TokenService::revoke(const GoodToken& who, std::string_view subject) {
  auto good = co_await look_up(who, subject);
  if (!good) co_return pass(good);
  auto revoked = co_await tokens_.revoke(std::move(good->token));
  co_return revoked;
}

async::Task<Result<Account>> TokenService::account(const GoodToken& who, std::string access_key) {
  if (auto may = may_see(who, access_key); !may) co_return pass(may);
  auto found = co_await accounts_.get(std::move(access_key));
  co_return found;
}

async::Task<Result<AccountPage>> TokenService::accounts(const GoodToken& who) {
  if (!administers(who)) {
    co_return fail(Code::forbidden, "only administrators may see other accounts");
  }
  const std::optional<std::string> from_the_first;
  auto page = co_await accounts_.list(from_the_first, 1000);
  co_return page;
}

async::Task<Result<CredentialAndSecret>> TokenService::create_credential(
    const GoodToken& who, std::string user, ApplicationCredential wanted,
    std::optional<Secret> secret) {
  if (auto may = may_change_credentials(who, user); !may) co_return pass(may);
  // What a credential makes has no more than it has itself.
  const std::vector<std::string> roles = who.roles();
  for (const std::string& role : wanted.roles) {
    if (std::ranges::find(roles, role) != roles.end()) continue;
    co_return fail(Code::invalid,
                   "an application credential can have no role that its maker lacks");
  }
  if (wanted.roles.empty()) wanted.roles = roles;
  auto created = co_await credentials_.create(who.account, std::move(wanted), std::move(secret));
  co_return created;
}

async::Task<Result<std::vector<ApplicationCredential>>> TokenService::list_credentials(
    const GoodToken& who, std::string user) {
  if (auto may = may_see_credentials(who, user); !may) co_return pass(may);
  auto all = co_await credentials_.list(who.account);
  co_return all;
}

async::Task<Result<ApplicationCredential>> TokenService::get_credential(const GoodToken& who,
                                                                        std::string user,
                                                                        std::string id) {
  if (auto may = may_see_credentials(who, user); !may) co_return pass(may);
  auto found = co_await credentials_.get(who.account, std::move(id));
  co_return found;
}

async::Task<Result<void>> TokenService::remove_credential(const GoodToken& who, std::string user,
                                                          std::string id) {
  if (auto may = may_change_credentials(who, user); !may) co_return pass(may);
  auto removed = co_await credentials_.remove(who.account, std::move(id));
  co_return removed;
}

}  // namespace visor::auth
