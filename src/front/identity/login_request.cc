#include "front/identity/login_request.h"

#include <string>
#include <utility>

#include "auth/identity_source.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "document/json.h"
#include "front/identity/documents.h"

namespace visor::front::identity {
namespace {

using auth::Login;
using auth::WantedScope;
using document::Value;

std::unexpected<Error> malformed(std::string sentence) {
  return fail(Code::invalid, std::move(sentence));
}

/// A user or project that is named by its id, or by its name in a domain. Nothing if it is not in
/// the one domain that there is.
std::optional<std::string> named(const Value& thing) {
  if (const std::string* id = thing.text("id")) return *id;
  const std::string* name = thing.text("name");
  const Value* domain = thing.find("domain");
  if (name == nullptr || domain == nullptr) return std::nullopt;
  const std::string* id = domain->text("id");
  const std::string* domain_name = domain->text("name");
  const bool ours = (id != nullptr && *id == kDomainId) ||
                    (domain_name != nullptr && equal_ignoring_case(*domain_name, kDomainName));
  return ours ? std::optional(*name) : std::nullopt;
}

Result<void> read_password(const Value& identity, Login& login) {
  const Value* password = identity.find("password");
  const Value* user = password ? password->find("user") : nullptr;
  const std::string* secret = user ? user->text("password") : nullptr;
  if (secret == nullptr) return malformed("auth.identity.password.user needs a password");
  if (user->find("id") == nullptr && user->find("name") == nullptr) {
    return malformed("auth.identity.password.user needs an id, or a name and a domain");
  }
  login.method = Login::Method::password;
  // Nobody has an empty name.
  login.access_key = named(*user).value_or("");
  login.secret = Secret(*secret);
  return {};
}

Result<void> read_application_credential(const Value& identity, Login& login) {
  const Value* credential = identity.find("application_credential");
  const std::string* secret = credential ? credential->text("secret") : nullptr;
  if (secret == nullptr) {
    return malformed("auth.identity.application_credential needs a secret");
  }
  login.method = Login::Method::application_credential;
  login.secret = Secret(*secret);
  if (const std::string* id = credential->text("id")) {
    login.credential = *id;
    return {};
  }
  const std::string* name = credential->text("name");
  const Value* user = credential->find("user");
  if (name == nullptr || user == nullptr) {
    return malformed("auth.identity.application_credential needs an id, or a name and a user");
  }
  login.name = *name;
  login.access_key = named(*user).value_or("");
  return {};
}

Result<void> read_token(const Value& identity, Login& login) {
  const Value* token = identity.find("token");
  const std::string* id = token ? token->text("id") : nullptr;
  if (id == nullptr) return malformed("auth.identity.token needs an id");
  login.method = Login::Method::token;
  login.secret = Secret(*id);
  return {};
}

Result<WantedScope> read_scope(const Value& auth) {
  using Kind = WantedScope::Kind;
  const Value* scope = auth.find("scope");
  if (scope == nullptr || scope->is_null()) return WantedScope{};
  if (const std::string* word = scope->as_text()) {
    if (*word == "unscoped") return WantedScope{Kind::none};
    return malformed("auth.scope is an object, or the word unscoped");
  }
  if (!scope->is_object()) return malformed("auth.scope is an object, or the word unscoped");
  if (scope->find("unscoped") != nullptr) return WantedScope{Kind::none};
  if (const Value* system = scope->find("system")) {
    const bool all = system->boolean("all").value_or(false);
    return WantedScope{all ? Kind::system : Kind::elsewhere};
  }
  if (const Value* project = scope->find("project")) {
    auto name = named(*project);
    if (!name) return WantedScope{Kind::elsewhere};
    return WantedScope{Kind::project, std::move(*name)};
  }
  return WantedScope{Kind::elsewhere};
}

Result<Value> read_object(std::string_view body, const char* member) {
  auto document = document::parse_json(body);
  if (!document) return malformed("the body is not valid JSON: " + document.error().message);
  Value* inner = document->find(member);
  if (inner == nullptr || !inner->is_object()) {
    return malformed(std::string("the body needs an object '") + member + "'");
  }
  return std::move(*inner);
}

Result<void> read_roles(const Value& wanted, auth::ApplicationCredential& credential) {
  const Value* roles = wanted.find("roles");
  if (roles == nullptr || roles->is_null()) return {};
  if (!roles->is_array()) return malformed("application_credential.roles is a list");
  for (const Value& role : *roles->as_array()) {
    const std::string* id = role.text("id");
    const std::string* name = id ? id : role.text("name");
    if (name == nullptr) return malformed("a role has an id or a name");
    credential.roles.push_back(to_lower(*name));
  }
  return {};
}

}  // namespace

Result<Login> read_login(std::string_view body) {
  auto auth = read_object(body, "auth");
  if (!auth) return pass(auth);
  const Value* identity = auth->find("identity");
  const Value* methods = identity ? identity->find("methods") : nullptr;
  if (methods == nullptr || !methods->is_array() || methods->size() == 0) {
    return malformed("auth.identity.methods is a list of at least one method");
  }
  const std::string* method = methods->as_array()->front().as_text();
  if (method == nullptr) return malformed("auth.identity.methods is a list of names");
  if (methods->size() > 1) return auth::refuse_caller("identity: more than one method");
  Login login;
  Result<void> read;
  if (*method == "password") {
    read = read_password(*identity, login);
  } else if (*method == "application_credential") {
    read = read_application_credential(*identity, login);
  } else if (*method == "token") {
    read = read_token(*identity, login);
  } else {
    return auth::refuse_caller("identity: another method");
  }
  if (!read) return pass(read);
  auto scope = read_scope(*auth);
  if (!scope) return pass(scope);
  login.scope = std::move(*scope);
  return login;
}

std::string_view claimed_by(const Login& login) {
  return login.access_key.empty() ? login.credential : login.access_key;
}

Result<WantedCredential> read_credential(std::string_view body) {
  auto document = read_object(body, "application_credential");
  if (!document) return pass(document);
  WantedCredential wanted;
  const std::string* name = document->text("name");
  if (name == nullptr) return malformed("application_credential needs a name");
  wanted.credential.name = *name;
  if (const std::string* description = document->text("description")) {
    wanted.credential.description = *description;
  }
  if (const std::string* secret = document->text("secret")) wanted.secret = Secret(*secret);
  wanted.credential.unrestricted = document->boolean("unrestricted").value_or(false);
  if (const std::string* expires = document->text("expires_at")) {
    // Keystone takes it without a zone, too.
    const auto zoned = parse_iso_time(*expires);
    wanted.credential.expires = zoned ? zoned : parse_iso_time(*expires + "Z");
    if (!wanted.credential.expires) {
      return malformed("application_credential.expires_at is no time such as 2027-01-31T12:00:00Z");
    }
  }
  const Value* rules = document->find("access_rules");
  if (rules != nullptr && rules->size() > 0) {
    return malformed("application credentials with access_rules are not in this version");
  }
  if (auto roles = read_roles(*document, wanted.credential); !roles) return pass(roles);
  return wanted;
}

}  // namespace visor::front::identity
