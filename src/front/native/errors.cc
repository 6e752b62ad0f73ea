#include "front/native/errors.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "document/json.h"
#include "document/xml.h"
#include "front/native/attribute_header.h"
#include "sign/sigv4.h"
#include "sign/visor_scheme.h"

namespace visor::front::native {
namespace {

struct Row {
  Code code;
  int today;
  int classic;
};

constexpr std::array kStatuses = {
    Row{Code::invalid, 400, 400},     Row{Code::unauthenticated, 403, 403},
    Row{Code::forbidden, 403, 403},   Row{Code::not_found, 404, 404},
    Row{Code::conflict, 409, 409},    Row{Code::precondition, 412, 409},
    Row{Code::range, 416, 400},       Row{Code::too_large, 413, 403},
    Row{Code::quota, 413, 403},       Row{Code::rate_limited, 429, 503},
    Row{Code::unsupported, 400, 400}, Row{Code::unavailable, 503, 503},
    Row{Code::no_space, 507, 503},    Row{Code::timeout, 503, 503},
    Row{Code::too_slow, 408, 503},    Row{Code::cancelled, 503, 503},
    Row{Code::corrupt, 500, 500},     Row{Code::internal, 500, 500},
};

constexpr std::string_view kRetryAfterSeconds = "5";

bool asks_to_retry(int status) { return status == 503 || status == 429; }

/// A status that came from elsewhere, cut down to what the classic clients know.
int spoken(int status, Dialect dialect) {
  if (dialect == Dialect::today) return status;
  switch (status) {
    case 403:
    case 404:
    case 409:
    case 500:
    case 503:
      return status;
    case 405:
    case 501:
      return 404;
    case 408:
      return 503;
    case 412:
      return 409;
    case 413:
      return 403;
    case 429:
      return 503;
    default:
      // An old version of HTTP is nothing to wait for.
      return status < 500 || status == 505 ? 400 : 503;
  }
}

std::string shown_message(const Error& error, const ErrorForm& form) {
  if (error.code != Code::internal) return error.message;
  return "the server met an error that nobody foresaw; its log has more under the request id " +
         form.request_id;
}

}  // namespace

Dialect dialect_of(const http::RequestHead& head) {
  if (const auto authorization = head.field("authorization")) {
    return sign::is_visor_authorization(*authorization) ? Dialect::classic : Dialect::today;
  }
  if (sign::is_presigned(head.query)) return Dialect::today;
  const std::string agent = to_lower(head.field("user-agent").value_or(""));
  if (agent.starts_with("visor/")) return Dialect::today;
  const bool classic = agent.starts_with("ruby") || agent.starts_with("eventmachine") ||
                       agent.find("visor") != std::string::npos;
  return classic ? Dialect::classic : Dialect::today;
}

int status_of(Code code, Dialect dialect) {
  const auto* const row = std::ranges::find(kStatuses, code, &Row::code);
  return dialect == Dialect::classic ? row->classic : row->today;
}

http::Response error_answer(const Error& error, const ErrorForm& form) {
  return refusal(status_of(error.code, form.dialect), shown_message(error, form), form);
}

http::Response refusal(int status, std::string_view message, const ErrorForm& form) {
  http::Response response;
  response.status = spoken(status, form.dialect);
  document::Value error = document::Value::object();
  error.set("code", response.status).set("message", message);
  std::string text = form.kind == DocumentKind::json ? document::write_json(error)
                                                     : document::write_xml("error", error);
  response.set("Content-Type", std::string(media_type(form.kind)));
  if (asks_to_retry(response.status)) {
    response.set("Retry-After", std::string(kRetryAfterSeconds));
  }
  if (!form.head) {
    response.text = std::move(text);
    return response;
  }
  response.unsent_length = text.size();
  const bool carried = header_carries(message);
  response.set("x-error-message", carried ? std::string(message) : percent_encode(message));
  if (!carried) response.set(std::string(kEncodedHeader), "x-error-message");
  return response;
}

http::Response method_refusal(const std::vector<std::string>& allowed, const ErrorForm& form) {
  std::string list;
  for (const std::string& method : allowed) {
    list.append(list.empty() ? "" : ", ").append(method);
  }
  if (form.dialect == Dialect::classic) return refusal(404, kInvalidOperation, form);
  http::Response response = refusal(405, "this path takes only the methods " + list, form);
  response.set("Allow", list);
  return response;
}

void log_failure(const Error& error, const http::Request& request) {
  const std::string target =
      std::string(request.head.method) + " " + std::string(request.head.path);
  switch (error.code) {
    case Code::internal:
    case Code::corrupt:
      log::failure(log::Level::error, "a request failed", error,
                   {{"request", request.id}, {"target", target}});
      break;
    case Code::unavailable:
    case Code::timeout:
    case Code::no_space:
      log::failure(log::Level::warning, "a request failed", error,
                   {{"request", request.id}, {"target", target}});
      break;
    default:
      log::failure(log::Level::debug, "a request was refused", error,
                   {{"request", request.id}, {"target", target}});
  }
}

}  // namespace visor::front::native
