#include "auth/identity_source.h"

#include <utility>

namespace visor::auth {

std::unexpected<Error> refuse_caller(std::string where) {
  return fail(Code::unauthenticated, "this takes a valid token or password", std::move(where));
}

async::Task<Result<std::string>> IdentitySource::find_service(Secret, ServiceQuery) {
  co_return fail(Code::unsupported, "there is no catalogue of services here");
}

}  // namespace visor::auth
