#include "auth/token_text.h"

#include <chrono>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/name_table.h"
#include "document/json.h"

namespace visor::auth {
namespace {

constexpr std::string_view kVersion = "v1.";
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kMostMethods = 4;
constexpr document::Limits kLimits{.depth = 3, .bytes = kLongestTokenText, .values = 32};
constexpr NameTable<TokenScope, 3> kScopes{
    {{TokenScope::none, "none"}, {TokenScope::project, "project"}, {TokenScope::system, "system"}}};

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::optional<Time> time_of(const document::Value& body, std::string_view name) {
  const auto micros = body.integer(name);
  if (!micros || *micros < 0) return std::nullopt;
  return Time(std::chrono::microseconds(*micros));
}

/// An id that may be missing; nothing if it is there and none.
std::optional<std::string> optional_id(const document::Value& body, std::string_view name) {
  if (body.find(name) == nullptr) return "";
  const std::string* id = body.text(name);
  if (id == nullptr || !is_id(*id)) return std::nullopt;
  return *id;
}

std::optional<std::vector<std::string>> methods_of(const document::Value& body) {
  const document::Value* list = body.find("methods");
  if (list == nullptr || !list->is_array() || list->size() > kMostMethods) return std::nullopt;
  std::vector<std::string> methods;
  for (const document::Value& entry : *list->as_array()) {
    const std::string* method = entry.as_text();
    if (method == nullptr) return std::nullopt;
    methods.push_back(*method);
  }
  return methods;
}

std::optional<Token> token_of(const document::Value& body) {
  const std::string* id = body.text("id");
  const std::string* account = body.text("account");
  const std::string* scope_name = body.text("scope");
  const auto scope = scope_name ? value_in(kScopes, *scope_name) : std::nullopt;
  auto parent = optional_id(body, "parent");
  auto credential = optional_id(body, "credential");
  auto methods = methods_of(body);
  const auto issued = time_of(body, "issued");
  const auto expires = time_of(body, "expires");
  if (!id || !is_id(*id) || !account || !scope || !parent || !credential || !methods || !issued ||
      !expires) {
    return std::nullopt;
  }
  return Token{*id,
               std::move(*parent),
               *account,
               std::move(*credential),
               std::move(*methods),
               *scope,
               *issued,
               *expires};
}

}  // namespace

std::string token_seal(std::string_view sealed, const Secret& key) {
  return hmac(DigestAlgorithm::sha256, key.reveal(), sealed);
}

std::string write_token(const Token& token, const Secret& key) {
  document::Value body = document::Value::object();
  body.set("id", token.id);
  if (!token.parent.empty()) body.set("parent", token.parent);
  body.set("account", token.account);
  if (!token.credential.empty()) body.set("credential", token.credential);
  document::Value methods = document::Value::array();
  for (const std::string& method : token.methods) methods.push(method);
  body.set("methods", std::move(methods));
  body.set("scope", name_in(kScopes, token.scope));
  body.set("issued", token.issued.time_since_epoch().count());
  body.set("expires", token.expires.time_since_epoch().count());
  std::string text = std::string(kVersion) + to_base64url(document::write_json(body));
  const std::string seal = token_seal(text, key);
  text += "." + to_base64url(seal);
  return text;
}

std::optional<ReadToken> read_token(std::string_view text) {
  if (text.size() > kLongestTokenText || !text.starts_with(kVersion)) return std::nullopt;
  const std::size_t dot = text.find('.', kVersion.size());
  if (dot == std::string_view::npos) return std::nullopt;
  const auto json = from_base64url(text.substr(kVersion.size(), dot - kVersion.size()));
  auto seal = from_base64url(text.substr(dot + 1));
  if (!json || !seal) return std::nullopt;
  const auto body = document::parse_json(*json, kLimits);
  if (!body || !body->is_object()) return std::nullopt;
  auto token = token_of(*body);
  if (!token) return std::nullopt;
  return ReadToken{std::move(*token), text.substr(0, dot), std::move(*seal)};
}

}  // namespace visor::auth
