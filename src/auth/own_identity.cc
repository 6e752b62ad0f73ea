#include "auth/own_identity.h"

#include <algorithm>
#include <utility>

#include "auth/service_catalogue.h"

namespace visor::auth {

OwnIdentity::OwnIdentity(OwnTokens& tokens, Options options)
    : tokens_(tokens), options_(std::move(options)) {}

async::Task<Result<Principal>> OwnIdentity::identify(Presented presented) {
  if (presented.token.empty()) co_return refuse_caller("auth.own_identity: no token");
  auto good = co_await tokens_.check(presented.token);
  if (!good) co_return pass(good);
  Principal who = good->principal();
  if (who.anonymous()) {
    co_return fail(Code::forbidden, "the token is good for no project; ask for one with a scope");
  }
  if (!presented.service_token.empty()) {
    auto service = co_await tokens_.check(presented.service_token);
    if (!service) co_return pass(service);
    who.service = service->principal().administrator;
  }
  co_return who;
}

async::Task<Result<std::string>> OwnIdentity::find_service(Secret token, ServiceQuery query) {
  auto good = co_await tokens_.check(token.reveal());
  if (!good) co_return pass(good);
  const ServiceEndpoint wanted{query.type, query.region, query.interface, {}};
  for (const ServiceEndpoint& endpoint : options_.endpoints) {
    if (endpoint.stands_for(wanted)) co_return endpoint.url;
  }
  const bool interface = std::ranges::find(kInterfaces, query.interface) != kInterfaces.end();
  if (query.type != "image" || query.region != options_.region || !interface) {
    co_return no_such_service(query);
  }
  co_return options_.image_address.empty() ? query.here : options_.image_address;
}

std::string OwnIdentity::challenge() const {
  const std::string& address = options_.address;
  return address.empty() ? "Keystone" : "Keystone uri=\"" + address + "\"";
}

}  // namespace visor::auth
