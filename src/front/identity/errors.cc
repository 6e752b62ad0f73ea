#include "front/identity/errors.h"

#include <string>

#include "base/log.h"
#include "document/json.h"

namespace visor::front::identity {

int status_of(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::range:
    case Code::unsupported:
      return 400;
    case Code::unauthenticated:
      return 401;
    case Code::forbidden:
    case Code::quota:
      return 403;
    case Code::not_found:
      return 404;
    case Code::too_slow:
      return 408;
    case Code::conflict:
    case Code::precondition:
      return 409;
    case Code::too_large:
      return 413;
    case Code::rate_limited:
      return 429;
    case Code::unavailable:
    case Code::no_space:
    case Code::timeout:
    case Code::cancelled:
      return 503;
    case Code::corrupt:
    case Code::internal:
      break;
  }
  return 500;
}

http::Response refusal(int status, std::string_view message) {
  document::Value error = document::Value::object({{"code", status}});
  error.set("message", message);
  error.set("title", http::reason_phrase(status));
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.set("Vary", "X-Auth-Token");
  response.text = document::write_json(document::Value::object({{"error", std::move(error)}}));
  return response;
}

http::Response error_answer(const Error& error) {
  const int status = status_of(error.code);
  if (status == 500) return refusal(500, "the server failed; its log says how");
  http::Response response = refusal(status, error.message);
  if (error.code == Code::unavailable) response.set("Retry-After", "1");
  return response;
}

void log_failure(const Error& error, const http::Request& request) {
  const int status = status_of(error.code);
  const auto level = status == 500   ? log::Level::error
                     : status == 503 ? log::Level::warning
                                     : log::Level::debug;
  log::failure(level, status >= 500 ? "a request failed" : "a request was refused", error,
               {{"request", request.id}});
}

}  // namespace visor::front::identity
