#include "front/native/user_document.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "document/json.h"
#include "document/xml.h"

namespace visor::front::native {
namespace {

constexpr std::array<std::string_view, 4> kReadOnly = {"_id", "secret_key", "created_at",
                                                       "updated_at"};

std::unexpected<Error> wrong_value(std::string_view field, std::string_view takes) {
  return fail(Code::invalid, "the field " + std::string(field) + " takes " + std::string(takes));
}

/// XML knows only texts, so a number or a boolean may come as one.
std::optional<bool> as_boolean(const document::Value& value) {
  if (const std::string* text = value.as_text()) {
    if (*text == "true") return true;
    if (*text == "false") return false;
    return std::nullopt;
  }
  return value.as_boolean();
}

Result<std::string> as_text(std::string_view field, const document::Value& value) {
  if (value.is_null()) return std::string();
  if (const std::string* text = value.as_text()) return *text;
  if (const auto boolean = value.as_boolean()) return std::string(*boolean ? "true" : "false");
  if (value.as_number()) return document::write_json(value);
  return wrong_value(field, "a text");
}

constexpr double kTwoTo63 = 9223372036854775808.0;

/// A number of bytes or images; null or an empty text takes the quota away. 1e10 and 10.0 are whole
/// numbers too: some languages know no others.
Result<std::optional<std::uint64_t>> as_quota(std::string_view field,
                                              const document::Value& value) {
  const std::string* text = value.as_text();
  if (value.is_null() || (text != nullptr && text->empty())) return std::nullopt;
  if (text != nullptr) {
    if (const auto number = parse_unsigned(*text)) return number;
  } else if (const auto whole = value.as_integer(); whole && *whole >= 0) {
    return static_cast<std::uint64_t>(*whole);
  } else if (const auto number = value.as_number();
             number && *number >= 0 && *number < kTwoTo63 && std::trunc(*number) == *number) {
    return static_cast<std::uint64_t>(*number);
  }
  return wrong_value(field, "a whole number that is not negative, or null for the default");
}

Result<void> read_flag(const document::Member& member, std::optional<bool>& flag) {
  flag = as_boolean(member.value);
  if (!flag) return wrong_value(member.name, "true or false");
  return {};
}

Result<void> read_quota(const document::Member& member,
                        std::optional<std::optional<std::uint64_t>>& quota) {
  Result<std::optional<std::uint64_t>> read = as_quota(member.name, member.value);
  if (!read) return pass(read);
  quota = *read;
  return {};
}

/// A name is a text: true and 3 are mistakes, not names.
Result<void> read_text(const document::Member& member, std::optional<std::string>& text) {
  const std::string* value = member.value.as_text();
  if (value == nullptr) return wrong_value(member.name, "a text");
  text = *value;
  return {};
}

Result<void> read_member(const document::Member& member, UserWish& wish) {
  if (std::ranges::find(kReadOnly, member.name) != kReadOnly.end()) {
    return fail(
        Code::invalid,
        "the field " + member.name + " is set by the server; leave it out" +
            (member.name == "secret_key" ? ", or ask for a new one with renew_secret" : ""));
  }
  if (member.name == "access_key") return read_text(member, wish.access_key);
  if (member.name == "email") return read_text(member, wish.change.email);
  if (member.name == "administrator") return read_flag(member, wish.change.administrator);
  if (member.name == "enabled") return read_flag(member, wish.change.enabled);
  if (member.name == "may_refer") return read_flag(member, wish.change.may_refer);
  if (member.name == "quota_bytes") return read_quota(member, wish.change.quota_bytes);
  if (member.name == "quota_images") return read_quota(member, wish.change.quota_images);
  if (member.name == "renew_secret") {
    const auto renew = as_boolean(member.value);
    if (!renew) return wrong_value(member.name, "true or false");
    wish.change.renew_secret = *renew;
    return {};
  }
  if (member.name.empty()) return fail(Code::invalid, "a field of the account has no name");
  Result<std::string> value = as_text(member.name, member.value);
  if (!value) return pass(value);
  wish.extra[member.name] = std::move(*value);
  return {};
}

Result<document::Value> parse(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) {
    return fail(Code::invalid, "a document is missing: send the account's fields as JSON or XML");
  }
  return text[start] == '<' ? document::parse_xml(text) : document::parse_json(text);
}

}  // namespace

document::Value user_object(const auth::Account& account, const std::optional<Secret>& secret) {
  document::Value user = document::Value::object({{"_id", account.id},
                                                  {"access_key", account.access_key},
                                                  {"email", account.email},
                                                  {"administrator", account.administrator},
                                                  {"enabled", account.enabled},
                                                  {"may_refer", account.may_refer}});
  if (secret) user.append("secret_key", secret->reveal());
  if (account.quota_bytes) user.append("quota_bytes", *account.quota_bytes);
  if (account.quota_images) user.append("quota_images", *account.quota_images);
  user.append("created_at", format_visor_time(account.created_at));
  user.append("updated_at", format_visor_time(account.updated_at));
  for (const auto& [name, value] : account.extra) {
    if (user.find(name) == nullptr) user.append(name, value);
  }
  return user;
}

Result<UserWish> read_user(std::string_view text) {
  Result<document::Value> document = parse(text);
  if (!document) return pass(document);
  const document::Value* user = document->find("user");
  if (user == nullptr || !user->is_object()) user = &*document;
  if (!user->is_object()) {
    return fail(Code::invalid, "the document must be an object with the account's fields");
  }
  UserWish wish;
  for (const document::Member& member : *user->as_object()) {
    if (Result<void> read = read_member(member, wish); !read) return pass(read);
  }
  return wish;
}

}  // namespace visor::front::native
