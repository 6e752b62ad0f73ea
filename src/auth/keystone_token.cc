#include "auth/keystone_token.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "document/json.h"

namespace visor::auth {
namespace {

std::unexpected<Error> no_token(std::string where) {
  return fail(Code::unavailable, "Keystone's answer can't be understood",
              "keystone.token: " + std::move(where));
}

bool any_of(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
  return std::ranges::any_of(has, [&wanted](const std::string& role) {
    return std::ranges::find(wanted, role) != wanted.end();
  });
}

const std::string* id_below(const document::Value& token, std::string_view name) {
  const document::Value* thing = token.find(name);
  return thing == nullptr ? nullptr : thing->text("id");
}

}  // namespace

Result<KeystoneToken> read_keystone_token(std::string_view json) {
  const auto document = document::parse_json(json);
  if (!document) return no_token(document.error().message);
  const document::Value* body = document->find("token");
  if (body == nullptr || !body->is_object()) return no_token("no token in it");
  const std::string* user = id_below(*body, "user");
  const std::string* expires = body->text("expires_at");
  const auto time = expires ? parse_iso_time(*expires) : std::nullopt;
  if (user == nullptr || user->empty() || !time) return no_token("user or expires_at is missing");
  KeystoneToken token;
  token.user = *user;
  token.expires = *time;
  if (const std::string* project = id_below(*body, "project")) token.project = *project;
  if (const document::Value* system = body->find("system")) {
    token.system = system->boolean("all").value_or(false);
  }
  token.is_admin_project = body->boolean("is_admin_project").value_or(true);
  const document::Value* roles = body->find("roles");
  if (roles != nullptr && roles->is_array()) {
    for (const document::Value& role : *roles->as_array()) {
      if (const std::string* name = role.text("name")) token.roles.push_back(to_lower(*name));
    }
  }
  return token;
}

bool vouches(const KeystoneToken& token, const KeystoneRoles& roles) {
  return any_of(token.roles, roles.services);
}

Result<Principal> principal_of(const KeystoneToken& token, const KeystoneRoles& roles) {
  const bool has_role = any_of(token.roles, roles.administrators) && token.is_admin_project;
  if (token.project.empty()) {
    if (!token.system || !has_role) {
      return fail(Code::forbidden, "the token is good for no project; ask for one with a scope");
    }
    Principal who = Principal::root(token.user);
    who.user = token.user;
    return who;
  }
  if (token.roles.empty()) {
    return fail(Code::forbidden, "the token's user has no role in its project");
  }
  const std::vector<std::string>& projects = roles.administrator_projects;
  const bool administers =
      has_role &&
      (projects.empty() || std::ranges::find(projects, token.project) != projects.end());
  Principal who = administers ? Principal::root(token.project) : Principal::of(token.project);
  who.user = token.user;
  who.read_only =
      !administers && std::ranges::all_of(token.roles, [&roles](const std::string& role) {
        return std::ranges::find(roles.readers, role) != roles.readers.end();
      });
  return who;
}

}  // namespace visor::auth
