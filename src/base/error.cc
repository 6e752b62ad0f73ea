#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace visor {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::forbidden:
      return "forbidden";
    case Code::not_found:
      return "not_found";
    case Code::conflict:
      return "conflict";
    case Code::precondition:
      return "precondition";
    case Code::range:
      return "range";
    case Code::too_large:
      return "too_large";
    case Code::quota:
      return "quota";
    case Code::rate_limited:
      return "rate_limited";
    case Code::unsupported:
      return "unsupported";
    case Code::unavailable:
      return "unavailable";
    case Code::no_space:
      return "no_space";
    case Code::timeout:
      return "timeout";
    case Code::too_slow:
      return "too_slow";
    case Code::cancelled:
      return "cancelled";
    case Code::corrupt:
      return "corrupt";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

Error Error::at(std::string_view step) && {
  where = where.empty() ? std::string(step) : std::string(step) + ": " + where;
  return std::move(*this);
}

std::unexpected<Error> fail(Code code, std::string message, std::string where) {
  const bool transient = code == Code::rate_limited || code == Code::unavailable ||
                         code == Code::timeout || code == Code::too_slow;
  return std::unexpected<Error>(
      Error{code, std::move(message), std::move(where), transient ? Retry::later : Retry::never});
}

std::unexpected<Error> fail_errno(int errno_value, std::string_view action, std::string where) {
  Code code = Code::internal;
  std::string reason = "the system refused it";
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      code = Code::no_space;
      reason = "no space is left";
      break;
    case EMFILE:
    case ENFILE:
      code = Code::unavailable;
      reason = "too many files are open";
      break;
    case ENOENT:
      code = Code::not_found;
      reason = "it does not exist";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::unavailable;
      reason = "the server lacks the permission";
      break;
    case EIO:
      code = Code::unavailable;
      reason = "the device reported an input/output error";
      break;
    default:
      break;
  }
  if (!where.empty()) where += ' ';
  where += "errno=" + std::to_string(errno_value) + " (" + std::strerror(errno_value) + ")";
  return fail(code, "cannot " + std::string(action) + ": " + reason, std::move(where));
}

}  // namespace visor
