#include "front/native/user_routes.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/units.h"
#include "document/json.h"
#include "front/native/document_list.h"
#include "front/native/list_query.h"
#include "front/native/user_document.h"

namespace visor::front::native {
namespace {

/// Far more than an account's fields may come to.
constexpr std::size_t kLargestDocument = 64 * kKiB;
/// How often a change starts again because somebody else changed the account in between.
constexpr int kAttempts = 4;

using Fields = std::vector<std::pair<std::string, std::string>>;

struct UserQuery {
  ListQuery list;  ///< its limit, marker and parameters
  Fields filters;
};

Result<UserQuery> read_user_query(std::string_view query) {
  // Names and bounds of the parameters are those of images; only what can be filtered on differs.
  Result<ListQuery> list = read_list_query(query, {});
  if (!list) return pass(list);
  UserQuery read{std::move(*list), {}};
  for (const auto& [name, value] : read.list.parameters) {
    if ((name == "sort" && !value.empty() && value != "access_key") ||
        (name == "dir" && read.list.query.descending)) {
      return fail(Code::invalid, "accounts are listed by access_key in ascending order only");
    }
    if (name != "sort" && name != "dir" && name != "limit") read.filters.emplace_back(name, value);
  }
  return read;
}

bool matches(const document::Value& user, const Fields& filters) {
  return std::ranges::all_of(filters, [&user](const auto& filter) {
    const document::Value* field = user.find(filter.first);
    if (field == nullptr) return false;
    const std::string* text = field->as_text();
    return (text != nullptr ? *text : document::write_json(*field)) == filter.second;
  });
}

async::Task<Result<EntryPage>> read_page(service::AccountService& users, Principal who,
                                         std::optional<std::string> after, std::uint32_t limit,
                                         Fields filters) {
  Result<auth::AccountPage> page = co_await users.list(std::move(who), std::move(after), limit);
  if (!page) co_return pass(page);
  EntryPage entries{{}, std::move(page->next)};
  for (const auth::Account& account : page->accounts) {
    document::Value user = user_object(account, std::nullopt);
    if (matches(user, filters)) entries.entries.push_back(std::move(user));
  }
  co_return entries;
}

http::Response user_answer(const Exchange& exchange, const auth::Account& account,
                           const std::optional<Secret>& secret) {
  http::Response response = document_answer(exchange.kind(), "user", user_object(account, secret));
  if (secret) response.set("Cache-Control", "no-store");
  return response;
}

/// The document that a request brings. Nobody but administrators is asked for one.
async::Task<Result<UserWish>> receive_user(Exchange& exchange, const char* verb) {
  if (!exchange.who.administrator) {
    const Error refused{Code::forbidden, "only administrators may see or change accounts", {}, {}};
    tell_refused(exchange, verb, exchange.parameters.empty() ? "" : exchange.parameters[0],
                 refused);
    co_return std::unexpected(refused);
  }
  const std::unique_ptr<async::ByteSource> body = take_body(exchange);
  async::ByteSource& source = *body;
  Result<std::string> text = co_await async::read_all(source, kLargestDocument);
  if (!text) co_return pass(text);
  co_return read_user(*text);
}

auth::Account new_account(const UserWish& wish) {
  auth::Account account;
  account.access_key = wish.access_key.value_or("");
  account.email = wish.change.email.value_or("");
  account.administrator = wish.change.administrator.value_or(false);
  account.enabled = wish.change.enabled.value_or(true);
  account.may_refer = wish.change.may_refer.value_or(false);
  account.quota_bytes = wish.change.quota_bytes.value_or(std::nullopt);
  account.quota_images = wish.change.quota_images.value_or(std::nullopt);
  for (const auto& [name, value] : wish.extra) {
    if (!value.empty()) account.extra[name] = value;
  }
  return account;
}

/// Free attributes are replaced as a whole, so the wish is laid over what there is, and holds only
/// for that revision.
void lay_over(const auth::Account& account, const UserWish& wish, auth::AccountChange& change) {
  std::map<std::string, std::string> extra = account.extra;
  for (const auto& [name, value] : wish.extra) {
    if (value.empty()) {
      extra.erase(name);
    } else {
      extra[name] = value;
    }
  }
  change.extra = std::move(extra);
  change.expected_revision = account.revision;
}

}  // namespace

async::Task<Result<http::Response>> list_users(service::AccountService& users, Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  Result<UserQuery> query = read_user_query(head.query);
  if (!query) co_return pass(query);
  const bool limited = query->list.limited;
  const std::uint32_t limit = limited ? query->list.query.limit : DocumentListSource::kFirstPage;
  Result<EntryPage> page =
      co_await read_page(users, exchange.who, query->list.query.marker, limit, query->filters);
  if (!page) co_return pass(page);

  http::Response response;
  response.set("Content-Type", std::string(media_type(exchange.kind())));
  DocumentListWriter writer(exchange.kind(), kUserList);
  if (!limited) {
    ReadPage following = [&users, who = exchange.who, filters = query->filters](
                             std::string marker, std::uint32_t count) {
      return read_page(users, who, std::move(marker), count, filters);
    };
    response.source =
        std::make_unique<DocumentListSource>(writer, std::move(*page), std::move(following));
    co_return response;
  }
  for (const document::Value& user : page->entries) writer.add(response.text, user);
  const std::string next =
      page->next ? next_page(http::fold_slashes(head.path), query->list, *page->next) : "";
  writer.finish(response.text, next);
  co_return response;
}

async::Task<Result<http::Response>> post_user(service::AccountService& users, Exchange& exchange) {
  Result<UserWish> wish = co_await receive_user(exchange, "account.create");
  if (!wish) co_return pass(wish);
  if (!wish->access_key || !wish->change.email) {
    co_return fail(Code::invalid, "an account needs the fields access_key and email");
  }
  auth::Account account = new_account(*wish);
  Result<auth::AccountAndSecret> created =
      co_await users.create(exchange.who, std::move(account), std::nullopt);
  if (!created) co_return pass(created);
  co_return user_answer(exchange, created->account, created->secret);
}

async::Task<Result<http::Response>> get_user(service::AccountService& users, Exchange& exchange) {
  const std::string& access_key = exchange.parameters[0];
  Result<auth::Account> account = co_await users.get(exchange.who, access_key);
  if (!account) co_return pass(account);
  co_return user_answer(exchange, *account, std::nullopt);
}

async::Task<Result<http::Response>> put_user(service::AccountService& users, Exchange& exchange) {
  const std::string& access_key = exchange.parameters[0];
  Result<UserWish> wish = co_await receive_user(exchange, "account.update");
  if (!wish) co_return pass(wish);
  if (wish->access_key && *wish->access_key != access_key) {
    co_return fail(Code::invalid, "an account's access_key can't be changed");
  }
  for (int attempt = 1;; ++attempt) {
    auth::AccountChange change = wish->change;
    if (!wish->extra.empty()) {
      Result<auth::Account> account = co_await users.get(exchange.who, access_key);
      if (!account) co_return pass(account);
      lay_over(*account, *wish, change);
    }
    Result<auth::AccountAndSecret> updated =
        co_await users.update(exchange.who, access_key, std::move(change));
    if (updated) co_return user_answer(exchange, updated->account, updated->secret);
    if (updated.error().code != Code::precondition || attempt == kAttempts) {
      co_return pass(updated);
    }
  }
}

async::Task<Result<http::Response>> delete_user(service::AccountService& users,
                                                Exchange& exchange) {
  const std::string& access_key = exchange.parameters[0];
  Result<auth::Account> account = co_await users.remove(exchange.who, access_key);
  if (!account) co_return pass(account);
  co_return user_answer(exchange, *account, std::nullopt);
}

}  // namespace visor::front::native
