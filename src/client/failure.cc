#include "client/failure.h"

#include <cstring>

namespace visor::client {

std::unexpected<Failure> local_failure(Code code, std::string message) {
  return std::unexpected<Failure>(
      Failure{Error{code, std::move(message), {}, Retry::never}, 0, {}, false});
}

std::unexpected<Failure> connection_failure(Code code, std::string message, Retry retry) {
  return std::unexpected<Failure>(Failure{Error{code, std::move(message), {}, retry}, 0, {}, true});
}

std::unexpected<Failure> file_failure(int errno_value, std::string_view action) {
  auto error = fail_errno(errno_value, action, {}).error();
  // The sentence of the base is written for a server's callers; here the person owns the file.
  error.message = "cannot " + std::string(action) + ": " + std::strerror(errno_value);
  return std::unexpected<Failure>(Failure{std::move(error), 0, {}, false});
}

Code code_of_status(int status) {
  switch (status) {
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::forbidden;
    case 404:
    case 410:
      return Code::not_found;
    case 408:
    case 504:
      return Code::timeout;
    case 409:
      return Code::conflict;
    case 412:
      return Code::precondition;
    case 413:
      return Code::too_large;
    case 416:
      return Code::range;
    case 429:
      return Code::rate_limited;
    case 502:
    case 503:
      return Code::unavailable;
    case 507:
      return Code::no_space;
    case 405:
    case 501:
      return Code::unsupported;
    default:
      return status >= 400 && status < 500 ? Code::invalid : Code::internal;
  }
}

}  // namespace visor::client
