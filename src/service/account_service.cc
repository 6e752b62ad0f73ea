#include "service/account_service.h"

#include <utility>

#include "base/log.h"
#include "service/trail.h"

namespace visor::service {
namespace {

Result<void> check_administrator(const Principal& who) {
  if (who.administrator) return {};
  return fail(Code::forbidden, "only administrators may see or change accounts");
}

// What a change changes, without any value that a person wrote.
std::string names_of(const auth::AccountChange& change) {
  std::string names;
  const auto add = [&names](const std::string& name) {
    names += (names.empty() ? "" : ", ") + name;
  };
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  if (change.email) add("email");
  if (change.administrator) add(std::string("administrator=") + flag(*change.administrator));
  if (change.enabled) add(std::string("enabled=") + flag(*change.enabled));
  if (change.may_refer) add(std::string("may_refer=") + flag(*change.may_refer));
  if (change.quota_bytes) add("quota_bytes");
  if (change.quota_images) add("quota_images");
  if (change.extra) add("extra");
  if (change.renew_secret || change.secret) add("a new secret");
  return names;
}

}  // namespace

async::Task<Result<auth::AccountPage>> AccountService::list(Principal who,
                                                            std::optional<std::string> after,
                                                            std::uint32_t limit) {
  if (auto allowed = check_administrator(who); !allowed) {
    Trail trail(audit_, who, "account.list");
    trail.fail(allowed.error());
    co_return pass(allowed);
  }
  co_return co_await accounts_.list(std::move(after), limit);
}

async::Task<Result<auth::Account>> AccountService::get(Principal who, std::string access_key) {
  if (auto allowed = check_administrator(who); !allowed) {
    Trail trail(audit_, who, "account.show");
    trail.event().subject = access_key;
    trail.fail(allowed.error());
    co_return pass(allowed);
  }
  co_return co_await accounts_.get(std::move(access_key));
}

async::Task<Result<auth::AccountAndSecret>> AccountService::create(Principal who,
                                                                   auth::Account account,
                                                                   std::optional<Secret> secret) {
  Trail trail(audit_, who, "account.create");
  trail.event().subject = account.access_key;
  trail.event().detail = account.administrator ? "administrator=true" : "";
  Result<void> allowed = check_administrator(who);
  if (allowed) allowed = trail.begin();
  Result<auth::AccountAndSecret> created = std::unexpected(Error{});
  if (allowed) {
    created = co_await accounts_.create(std::move(account), std::move(secret));
  } else {
    created = pass(allowed);
  }
  if (created) {
    log::info("account created", {{"account", created->account.access_key}, {"by", who.account}});
  }
  co_return co_await trail.close(std::move(created));
}

async::Task<Result<auth::AccountAndSecret>> AccountService::update(Principal who,
                                                                   std::string access_key,
                                                                   auth::AccountChange change) {
  Trail trail(audit_, who, "account.update");
  trail.event().subject = access_key;
  trail.event().detail = names_of(change);
  const bool new_secret = change.renew_secret || change.secret;
  Result<void> allowed = check_administrator(who);
  if (allowed) allowed = trail.begin();
  Result<auth::AccountAndSecret> updated = std::unexpected(Error{});
  if (allowed) {
    updated = co_await accounts_.update(access_key, std::move(change));
  } else {
    updated = pass(allowed);
  }
  if (updated) {
    log::info(
        "account changed",
        {{"account", access_key}, {"by", who.account}, {"new_secret", new_secret ? "yes" : "no"}});
  }
  co_return co_await trail.close(std::move(updated));
}

async::Task<Result<auth::Account>> AccountService::remove(Principal who, std::string access_key) {
  Trail trail(audit_, who, "account.delete");
  trail.event().subject = access_key;
  Result<void> allowed = check_administrator(who);
  if (allowed) allowed = trail.begin();
  Result<auth::Account> removed = std::unexpected(Error{});
  if (allowed) {
    removed = co_await accounts_.remove(access_key);
  } else {
    removed = pass(allowed);
  }
  if (removed) log::info("account removed", {{"account", access_key}, {"by", who.account}});
  co_return co_await trail.close(std::move(removed));
}

}  // namespace visor::service
