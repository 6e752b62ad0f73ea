// Application credentials.
#include <utility>

#include "front/identity/answers.h"
#include "front/identity/identity_front_end.h"
#include "front/identity/login_request.h"

namespace visor::front::identity {
namespace {

using document::Value;

void tell(audit::Log* audit, const Call& call, const char* verb, const std::string& detail,
          const Error* error) {
  if (audit == nullptr) return;
  Principal who = call.who.principal();
  who.origin = {call.request.id, call.request.peer};
  audit::Event event = audit::event_of(who, verb);
  event.outcome = error == nullptr                 ? audit::Outcome::done
                  : error->code == Code::forbidden ? audit::Outcome::refused
                                                   : audit::Outcome::failed;
  if (error != nullptr) event.error = error->code;
  event.subject = call.who.token.account;
  event.detail = detail;
  // The log itself says so if it can't be written.
  [[maybe_unused]] const auto told = audit->append(event);
}

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
  const std::string name = wanted->credential.name;
  auto made = co_await tokens_.create_credential(
      call.who, call.parameters[0], std::move(wanted->credential), std::move(wanted->secret));
  tell(options_.audit, call, "credential.create", made ? made->credential.id : name,
       made ? nullptr : &made.error());
  if (!made) co_return pass(made);
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
  auto removed =
      co_await tokens_.remove_credential(call.who, call.parameters[0], call.parameters[1]);
  tell(options_.audit, call, "credential.delete", call.parameters[1],
       removed ? nullptr : &removed.error());
  if (!removed) co_return pass(removed);
  co_return empty_answer(204);
}

}  // namespace visor::front::identity
