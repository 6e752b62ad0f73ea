// Application credentials.
#include <utility>

#include "front/identity/answers.h"
#include "front/identity/identity_front_end.h"
#include "front/identity/login_request.h"
#include "front/identity/trail.h"

namespace visor::front::identity {
namespace {

using document::Value;

}  // namespace

void IdentityFrontEnd::add_credential_routes() {
  constexpr const char* kAll = "/v3/users/{user}/application_credentials";
  constexpr const char* kOne = "/v3/users/{user}/application_credentials/{id}";
  add("POST", kAll, Needs::token, [this](Call& call) { return create_credential(call); });
  add_reading(kAll, Needs::token, [this](Call& call) { return list_credentials(call); });
  add_reading(kOne, Needs::token, [this](Call& call) { return get_credential(call); });
  add("DELETE", kOne, Needs::token, [this](Call& call) { return remove_credential(call); });
}

async::Task<Result<http::Response>> IdentityFrontEnd::create_credential(Call& call) {
  http::Request& request = call.request;
  auto body = co_await read_body(request);
  if (!body) co_return pass(body);
  auto wanted = read_credential(*body);
  if (!wanted) co_return pass(wanted);
  std::string told_of = wanted->credential.name;
  Trail trail(options_.audit, call, "credential.create", told_of);
  if (auto begun = trail.begin(); !begun) co_return pass(begun);
  auto made = co_await tokens_.create_credential(
      call.who, call.parameters[0], std::move(wanted->credential), std::move(wanted->secret));
  const Error* refused = made ? nullptr : &made.error();
  if (made) told_of = made->credential.id;
  auto told = co_await trail.end(refused, std::move(told_of));
  if (!made) co_return pass(made);
  if (!told) co_return pass(told);
  Value shown = credential_object(made->credential, call.base);
  shown.append("secret", made->secret.reveal());
  co_return document_answer(201, Value::object({{"application_credential", std::move(shown)}}));
}

async::Task<Result<http::Response>> IdentityFrontEnd::list_credentials(Call& call) {
  auto all = co_await tokens_.list_credentials(call.who, call.parameters[0]);
  if (!all) co_return pass(all);
  const auto name = query_value(call.request, "name");
  Value entries = Value::array();
  for (const auth::ApplicationCredential& credential : *all) {
    if (!name || *name == credential.name) entries.push(credential_object(credential, call.base));
  }
  const std::string self = call.base + std::string(call.request.head.path);
  co_return document_answer(200,
                            list_document("application_credentials", std::move(entries), self));
}

async::Task<Result<http::Response>> IdentityFrontEnd::get_credential(Call& call) {
  auto found = co_await tokens_.get_credential(call.who, call.parameters[0], call.parameters[1]);
  if (!found) co_return pass(found);
  Value shown = credential_object(*found, call.base);
  co_return document_answer(200, Value::object({{"application_credential", std::move(shown)}}));
}

async::Task<Result<http::Response>> IdentityFrontEnd::remove_credential(Call& call) {
  const std::string& id = call.parameters[1];
  Trail trail(options_.audit, call, "credential.delete", id);
  if (auto begun = trail.begin(); !begun) co_return pass(begun);
  auto removed = co_await tokens_.remove_credential(call.who, call.parameters[0], id);
  const Error* refused = removed ? nullptr : &removed.error();
  auto told = co_await trail.end(refused, id);
  if (!removed) co_return pass(removed);
  if (!told) co_return pass(told);
  co_return empty_answer(204);
}

}  // namespace visor::front::identity
