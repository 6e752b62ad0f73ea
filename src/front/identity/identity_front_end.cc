#include "front/identity/identity_front_end.h"

#include <exception>
#include <utility>

#include "front/identity/answers.h"
#include "front/identity/errors.h"
#include "front/identity/login_request.h"
#include "front/identity/trail.h"

namespace visor::front::identity {
namespace {

using document::Value;

constexpr std::string_view kToken = "X-Auth-Token";
constexpr std::string_view kSubject = "X-Subject-Token";

/// Turns the answer to a GET into that of a HEAD.
void drop_body(http::Response& response) {
  response.unsent_length = response.text.size();
  response.text.clear();
}

http::Response versions(const std::string& base) {
  Value values = Value::object({{"values", Value::array({version_object(base)})}});
  http::Response response = document_answer(300, Value::object({{"versions", std::move(values)}}));
  response.set("Location", base + "/v3/");
  return response;
}

}  // namespace

IdentityFrontEnd::IdentityFrontEnd(auth::TokenService& tokens, Options options)
    : tokens_(tokens), options_(std::move(options)) {
  add_reading("/", Needs::nothing, [](Call& call) { return at_once(versions(call.base)); });
  add_reading("/v3", Needs::nothing, [](Call& call) {
    return at_once(document_answer(200, Value::object({{"version", version_object(call.base)}})));
  });
  add_token_routes();
  add_account_routes();
  add_catalogue_routes();
  add_credential_routes();
}

void IdentityFrontEnd::add(const char* method, const char* pattern, Needs needs, Verb verb) {
  router_.add(method, pattern,
              [this, needs, verb = std::move(verb)](http::Request& request,
                                                    const http::Parameters& parameters) {
                return answer(request, parameters, needs, verb);
              });
}

void IdentityFrontEnd::add_reading(const char* pattern, Needs needs, Verb verb) {
  add("GET", pattern, needs, verb);
  add("HEAD", pattern, needs, std::move(verb));
}

void IdentityFrontEnd::add_token_routes() {
  add("POST", "/v3/auth/tokens", Needs::nothing, [this](Call& call) { return log_in(call); });
  add_reading("/v3/auth/tokens", Needs::token, [this](Call& call) { return look_up(call); });
  add("DELETE", "/v3/auth/tokens", Needs::token, [this](Call& call) { return revoke(call); });
}

async::Task<http::Response> IdentityFrontEnd::handle(http::Request& request) {
  // A request that fails in a way nobody thought of must not take the others' server with it.
  try {
    const http::Router::Match match = router_.match(request.head.method, request.head.path);
    if (match.action != nullptr) {
      const http::Action& action = *match.action;
      co_return co_await action(request, match.parameters);
    }
    if (match.allowed.empty()) co_return refusal(404, "there is nothing at this path");
    http::Response response = refusal(405, "this path does not know the method");
    std::string allowed;
    for (const std::string& method : match.allowed) {
      allowed += (allowed.empty() ? "" : ", ") + method;
    }
    response.set("Allow", std::move(allowed));
    co_return response;
  } catch (const std::exception& defect) {
    const Error error{Code::internal, "an exception escaped", defect.what(), Retry::never};
    log_failure(error, request);
    co_return error_answer(error);
  }
}

async::Task<http::Response> IdentityFrontEnd::answer(http::Request& request,
                                                     const http::Parameters& parameters,
                                                     Needs needs, const Verb& verb) {
  Call call{request, parameters, base_of(request)};
  if (needs == Needs::token) {
    const std::string_view token = field(request, kToken);
    auto who = co_await tokens_.caller(token);
    if (!who) {
      tell_refused_login(options_.audit, call, {}, who.error());
      co_return refused(call, who.error());
    }
    call.who = std::move(*who);
    request.user = call.who.token.account;
  }
  Result<http::Response> response = co_await verb(call);
  http::Response sent = response ? std::move(*response) : refused(call, response.error());
  sent.set("X-Openstack-Request-Id", "req-" + request.id);
  if (request.head.method == "HEAD") drop_body(sent);
  co_return sent;
}

http::Response IdentityFrontEnd::refused(const Call& call, const Error& error) const {
  log_failure(error, call.request);
  http::Response response = error_answer(error);
  if (error.code == Code::unauthenticated) {
    response.set("WWW-Authenticate", "Keystone uri=\"" + call.base + "/v3\"");
  }
  return response;
}

http::Response IdentityFrontEnd::refuse(int status, std::string_view reason,
                                        const http::RequestHead& /*head*/) {
  return refusal(status, reason);
}

std::string IdentityFrontEnd::base_of(const http::Request& request) const {
  if (!options_.identity_address.empty()) return options_.identity_address;
  return (request.secure ? "https://" : "http://") + request.local;
}

Services IdentityFrontEnd::services_for(const Call& call) const {
  Services services{options_.region, call.base, options_.image_address, options_.endpoints};
  if (!services.image.empty() || !options_.image_listener) return services;
  const ImageListener listener = options_.image_listener();
  if (listener.port == 0) return services;
  services.image = (listener.secure ? "https://" : "http://") +
                   std::string(host_of(call.request.local)) + ":" + std::to_string(listener.port);
  return services;
}

async::Task<Result<http::Response>> IdentityFrontEnd::log_in(Call& call) {
  http::Request& request = call.request;
  auto body = co_await read_body(request);
  if (!body) co_return pass(body);
  auto login = read_login(*body);
  if (!login) co_return pass(login);
  const std::string claimed(claimed_by(*login));
  auto issued = co_await tokens_.log_in(std::move(*login), request.peer);
  if (!issued) {
    tell_refused_login(options_.audit, call, claimed, issued.error());
    co_return pass(issued);
  }
  request.user = issued->good.token.account;
  tell_login(options_.audit, call, issued->good);
  const Services services = services_for(call);
  const bool without = query_value(request, "nocatalog").has_value();
  Value token = token_object(issued->good, without ? nullptr : &services);
  http::Response response = document_answer(201, Value::object({{"token", std::move(token)}}));
  response.set(std::string(kSubject), std::string(issued->text.reveal()));
  co_return response;
}

async::Task<Result<http::Response>> IdentityFrontEnd::look_up(Call& call) {
  const std::string_view subject = field(call.request, kSubject);
  auto good = co_await tokens_.look_up(call.who, subject);
  if (!good) co_return pass(good);
  const Services services = services_for(call);
  const bool without = query_value(call.request, "nocatalog").has_value();
  Value token = token_object(*good, without ? nullptr : &services);
  http::Response response = document_answer(200, Value::object({{"token", std::move(token)}}));
  response.set(std::string(kSubject), std::string(subject));
  co_return response;
}

async::Task<Result<http::Response>> IdentityFrontEnd::revoke(Call& call) {
  const std::string_view subject = field(call.request, kSubject);
  auto good = co_await tokens_.look_up(call.who, subject);
  std::string whose = good ? "of " + good->token.account + ", " + good->token.id : "";
  Trail trail(options_.audit, call, "token.revoke", whose);
  if (auto begun = trail.begin(); !begun) co_return pass(begun);
  auto revoked = co_await tokens_.revoke(call.who, subject);
  const Error* refused = revoked ? nullptr : &revoked.error();
  auto told = co_await trail.end(refused, std::move(whose));
  if (!revoked) co_return pass(revoked);
  if (!told) co_return pass(told);
  co_return empty_answer(204);
}

}  // namespace visor::front::identity
