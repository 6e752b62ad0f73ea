#include "auth/identity_source.h"

#include <utility>

namespace visor::auth {

std::unexpected<Error> refuse_caller(std::string where) {
  return fail(Code::unauthenticated, "this takes a valid token or password", std::move(where));
}

}  // namespace visor::auth
