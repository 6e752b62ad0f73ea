#include "auth/own_identity.h"

#include <utility>

namespace visor::auth {

OwnIdentity::OwnIdentity(OwnTokens& tokens, std::string address)
    : tokens_(tokens), address_(std::move(address)) {}

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

std::string OwnIdentity::challenge() const {
  return address_.empty() ? "Keystone" : "Keystone uri=\"" + address_ + "\"";
}

}  // namespace visor::auth
