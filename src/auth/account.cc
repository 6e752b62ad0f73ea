#include "auth/account.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/encoding.h"
#include "document/json.h"

namespace visor::auth {
namespace {

constexpr std::size_t kMostExtra = 64;
constexpr std::size_t kLargestExtra = 16 * 1024;
constexpr std::size_t kLongestEmail = 254;
constexpr std::size_t kLongestName = 255;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<void> validate_email(std::string_view email) {
  if (email.empty()) return fail(Code::invalid, "An account needs an email address.");
  const bool formed = email.size() <= kLongestEmail && valid_utf8(email) && !has_control(email) &&
                      email.find(' ') == std::string_view::npos &&
                      std::count(email.begin(), email.end(), '@') == 1 && !email.starts_with('@') &&
                      !email.ends_with('@');
  if (formed) return {};
  return fail(Code::invalid,
              "The email address must be at most 254 bytes long, without blanks and with one '@' "
              "inside.");
}

Result<void> validate_extra(const std::map<std::string, std::string>& extra) {
  if (extra.size() > kMostExtra) {
    return fail(Code::invalid, "An account can have at most 64 attributes of its own.");
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : extra) {
    bytes += name.size() + value.size();
    if (name.empty() || name.size() > kLongestName || has_control(name) || !valid_utf8(name)) {
      return fail(Code::invalid, "An attribute's name must be 1 to 255 bytes of plain UTF-8 text.");
    }
    if (!valid_utf8(value)) {
      return fail(Code::invalid, "The value of the attribute '" + name + "' is not UTF-8 text.");
    }
  }
  if (bytes <= kLargestExtra) return {};
  return fail(Code::invalid, "An account's own attributes can have at most 16 KiB altogether.");
}

Result<void> validate_quota(std::optional<std::uint64_t> quota) {
  if (!quota || std::in_range<std::int64_t>(*quota)) return {};
  return fail(Code::invalid, "A quota can be at most 9223372036854775807.");
}

void set_or_erase(document::Value& document, std::string_view name,
                  std::optional<std::uint64_t> value) {
  if (value) {
    document.set(name, *value);
  } else {
    document.erase(name);
  }
}

std::optional<std::uint64_t> unsigned_member(const document::Value& document,
                                             std::string_view name) {
  const auto value = document.integer(name);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

}  // namespace

std::string secret_context(std::string_view access_key) {
  return "visor.account.secret:" + std::string(access_key);
}

bool valid_access_key(std::string_view text) {
  return text.size() >= 3 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._@+-").find(c) != std::string_view::npos;
         });
}

Result<void> validate(const Account& account) {
  if (!valid_access_key(account.access_key)) {
    return fail(Code::invalid,
                "An access key must have 3 to 64 characters, which may be letters, digits and any "
                "of . _ @ + -");
  }
  for (auto check : {validate_email(account.email), validate_extra(account.extra),
                     validate_quota(account.quota_bytes), validate_quota(account.quota_images)}) {
    if (!check) return check;
  }
  return {};
}

catalogue::Record encode(const StoredAccount& stored) {
  const Account& account = stored.account;
  document::Value document =
      stored.document.is_object() ? stored.document : document::Value::object();
  document.set("id", account.id);
  document.set("email", account.email);
  document.set("administrator", account.administrator);
  document.set("enabled", account.enabled);
  document.set("may_refer", account.may_refer);
  set_or_erase(document, "quota_bytes", account.quota_bytes);
  set_or_erase(document, "quota_images", account.quota_images);
  document.set("created_at", format_iso_time(account.created_at));
  document.set("updated_at", format_iso_time(account.updated_at));
  document.set("tokens_from", account.tokens_from.time_since_epoch().count());
  document::Value extra = document::Value::object();
  for (const auto& [name, value] : account.extra) extra.append(name, value);
  document.set("extra", std::move(extra));
  document.set("secret", stored.sealed_secret);

  catalogue::Record record;
  record.collection = kAccountCollection;
  record.id = account.access_key;
  record.document = document::write_json(document);
  record.facts = {{"access_key", account.access_key},
                  {"email", account.email},
                  {"role", account.administrator ? "administrator" : "user"},
                  {"enabled", account.enabled ? "true" : "false"}};
  return record;
}

Result<StoredAccount> decode(const catalogue::Record& record) {
  const auto broken = [&record](std::string_view what) {
    return fail(Code::corrupt, "The record of an account cannot be read.",
                "auth.account " + record.id + ": " + std::string(what));
  };
  auto parsed = document::parse_json(record.document);
  if (!parsed) return broken(parsed.error().message);
  StoredAccount stored;
  stored.document = std::move(*parsed);
  const document::Value& document = stored.document;
  const std::string* id = document.text("id");
  const std::string* email = document.text("email");
  const std::string* secret = document.text("secret");
  const auto administrator = document.boolean("administrator");
  const auto enabled = document.boolean("enabled");
  if (!id || !email || !secret || !administrator || !enabled) return broken("a member is missing");

  Account& account = stored.account;
  account.access_key = record.id;
  account.id = *id;
  account.email = *email;
  account.administrator = *administrator;
  account.enabled = *enabled;
  account.may_refer = document.boolean("may_refer").value_or(false);
  account.quota_bytes = unsigned_member(document, "quota_bytes");
  account.quota_images = unsigned_member(document, "quota_images");
  const std::string* created = document.text("created_at");
  const std::string* updated = document.text("updated_at");
  account.created_at = created ? parse_iso_time(*created).value_or(Time{}) : Time{};
  account.updated_at = updated ? parse_iso_time(*updated).value_or(Time{}) : Time{};
  // Older versions wrote none, and gave out no tokens.
  account.tokens_from =
      Time(std::chrono::microseconds(document.integer("tokens_from").value_or(0)));
  account.revision = record.revision;
  if (const document::Value* extra = document.find("extra"); extra && extra->is_object()) {
    for (const document::Member& member : *extra->as_object()) {
      if (const std::string* text = member.value.as_text()) account.extra[member.name] = *text;
    }
  }
  stored.sealed_secret = *secret;
  return stored;
}

}  // namespace visor::auth
