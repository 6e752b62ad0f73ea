// Accounts as users and projects, and the services that there are.
#include <array>
#include <utility>

#include "front/identity/answers.h"
#include "front/identity/identity_front_end.h"

namespace visor::front::identity {
namespace {

using document::Value;

constexpr std::array<std::string_view, 3> kRoles = {"admin", "member", "reader"};

std::string self(const Call& call) { return call.base + std::string(call.request.head.path); }

http::Response list_answer(const Call& call, const char* name, Value entries) {
  return document_answer(200, list_document(name, std::move(entries), self(call)));
}

/// Whether a list that asks for one name, or one domain, has this account in it.
bool asked_for(const Call& call, const std::string& name) {
  const auto wanted = query_value(call.request, "name");
  const auto domain = query_value(call.request, "domain_id");
  return (!wanted || *wanted == name) && (!domain || *domain == kDomainId);
}

Value role_array(const Call& call) {
  Value roles = Value::array();
  for (const std::string_view role : kRoles) {
    const auto wanted = query_value(call.request, "name");
    if (!wanted || *wanted == role) roles.push(role_object(role, call.base));
  }
  return roles;
}

Value domain_array(const Call& call) {
  const auto wanted = query_value(call.request, "name");
  if (wanted && *wanted != kDomainName) return Value::array();
  return Value::array({full_domain_object(call.base)});
}

async::Task<Result<http::Response>> get_domain(Call& call) {
  if (call.parameters[0] != kDomainId) co_return fail(Code::not_found, "there is no such domain");
  co_return document_answer(200, Value::object({{"domain", full_domain_object(call.base)}}));
}

async::Task<Result<http::Response>> get_role(Call& call) {
  for (const std::string_view role : kRoles) {
    if (call.parameters[0] != role) continue;
    co_return document_answer(200, Value::object({{"role", role_object(role, call.base)}}));
  }
  co_return fail(Code::not_found, "there is no such role");
}

}  // namespace

void IdentityFrontEnd::add_account_routes() {
  add_reading("/v3/auth/catalog", Needs::token, [this](Call& call) { return own_catalogue(call); });
  add_reading("/v3/auth/projects", Needs::token, [this](Call& call) { return own_projects(call); });
  add_reading("/v3/auth/system", Needs::token, [this](Call& call) { return own_system(call); });
  add_reading("/v3/auth/domains", Needs::token,
              [](Call& call) { return at_once(list_answer(call, "domains", Value::array())); });
  add_reading("/v3/projects", Needs::token,
              [this](Call& call) { return list_accounts(call, true); });
  add_reading("/v3/projects/{id}", Needs::token,
              [this](Call& call) { return get_account(call, true); });
  add_reading("/v3/users", Needs::token, [this](Call& call) { return list_accounts(call, false); });
  add_reading("/v3/users/{id}", Needs::token,
              [this](Call& call) { return get_account(call, false); });
  add_reading("/v3/users/{id}/projects", Needs::token,
              [this](Call& call) { return projects_of_user(call); });
}

void IdentityFrontEnd::add_catalogue_routes() {
  add_reading("/v3/domains", Needs::token,
              [](Call& call) { return at_once(list_answer(call, "domains", domain_array(call))); });
  add_reading("/v3/domains/{id}", Needs::token, get_domain);
  add_reading("/v3/roles", Needs::token,
              [](Call& call) { return at_once(list_answer(call, "roles", role_array(call))); });
  add_reading("/v3/roles/{id}", Needs::token, get_role);
  for (const char* name : {"services", "endpoints", "regions"}) {
    const std::string path = std::string("/v3/") + name;
    add_reading(path.c_str(), Needs::token,
                [this, name](Call& call) { return list_of_administrators(call, name); });
  }
}

async::Task<Result<http::Response>> IdentityFrontEnd::own_catalogue(Call& call) {
  if (call.who.token.scope == auth::TokenScope::none) {
    co_return fail(Code::forbidden, "a token for no project has no catalogue");
  }
  Value document = Value::object({{"catalog", catalogue_array(services_for(call))}});
  document.append("links", Value::object({{"self", self(call)}}));
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> IdentityFrontEnd::own_projects(Call& call) {
  auto account = co_await tokens_.account(call.who, call.who.token.account);
  if (!account) co_return pass(account);
  co_return list_answer(call, "projects", Value::array({project_object(*account, call.base)}));
}

async::Task<Result<http::Response>> IdentityFrontEnd::own_system(Call& call) {
  Value systems = Value::array();
  if (call.who.account->principal.administrator && !call.who.credential) {
    systems.push(Value::object({{"all", true}}));
  }
  co_return list_answer(call, "system", std::move(systems));
}

async::Task<Result<http::Response>> IdentityFrontEnd::get_account(Call& call, bool as_project) {
  auto account = co_await tokens_.account(call.who, call.parameters[0]);
  if (!account) co_return pass(account);
  Value shown = as_project ? project_object(*account, call.base) : user_object(*account, call.base);
  Value document = Value::object();
  document.append(as_project ? "project" : "user", std::move(shown));
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> IdentityFrontEnd::list_accounts(Call& call, bool as_projects) {
  auto page = co_await tokens_.accounts(call.who);
  if (!page) co_return pass(page);
  Value entries = Value::array();
  for (const auth::Account& account : page->accounts) {
    if (!asked_for(call, account.access_key)) continue;
    entries.push(as_projects ? project_object(account, call.base)
                             : user_object(account, call.base));
  }
  Value document =
      list_document(as_projects ? "projects" : "users", std::move(entries), self(call));
  if (page->next) document.append("truncated", true);
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> IdentityFrontEnd::projects_of_user(Call& call) {
  auto account = co_await tokens_.account(call.who, call.parameters[0]);
  if (!account) co_return pass(account);
  co_return list_answer(call, "projects", Value::array({project_object(*account, call.base)}));
}

async::Task<Result<http::Response>> IdentityFrontEnd::list_of_administrators(Call& call,
                                                                             const char* name) {
  if (!call.who.principal().administrator) {
    co_return fail(Code::forbidden, "only administrators may list what the catalogue is made of");
  }
  const Services services = services_for(call);
  const std::string_view which = name;
  Value entries = which == "services"    ? service_list(services)
                  : which == "endpoints" ? endpoint_list(services)
                                         : region_list(services);
  co_return list_answer(call, name, std::move(entries));
}

}  // namespace visor::front::identity
