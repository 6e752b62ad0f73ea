#include "front/glance/errors.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "document/json.h"

namespace visor::front::glance {
namespace {

struct Row {
  Code code;
  int status;
};

constexpr std::array kStatuses = {
    Row{Code::invalid, 400},      Row{Code::unauthenticated, 401}, Row{Code::forbidden, 403},
    Row{Code::not_found, 404},    Row{Code::conflict, 409},        Row{Code::precondition, 409},
    Row{Code::range, 416},        Row{Code::too_large, 413},       Row{Code::quota, 413},
    Row{Code::rate_limited, 429}, Row{Code::unsupported, 415},     Row{Code::unavailable, 503},
    Row{Code::no_space, 413},     Row{Code::timeout, 503},         Row{Code::too_slow, 408},
    Row{Code::cancelled, 503},    Row{Code::corrupt, 500},         Row{Code::internal, 500},
};

bool accepts_json(const http::RequestHead& head) {
  const auto accept = head.field("accept");
  return accept && accept->find("application/json") != std::string_view::npos;
}

std::string escaped(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

}  // namespace

int status_of(Code code) { return std::ranges::find(kStatuses, code, &Row::code)->status; }

http::Response refusal(const http::RequestHead& head, int status, std::string_view message) {
  http::Response response;
  response.status = status;
  const std::string title(http::reason_phrase(status));
  const std::string code = std::to_string(status) + " " + title;
  if (accepts_json(head)) {
    response.set("Content-Type", "application/json");
    document::Value body = document::Value::object();
    body.append("message", message).append("code", code).append("title", title);
    response.text = document::write_json(body);
  } else {
    response.set("Content-Type", "text/html; charset=UTF-8");
    response.text = "<html>\n <head>\n  <title>" + code + "</title>\n </head>\n <body>\n  <h1>" +
                    code + "</h1>\n  " + escaped(message) + "<br /><br />\n </body>\n</html>\n";
  }
  if (status == 503 || status == 429) response.set("Retry-After", "5");
  if (head.method == "HEAD") {
    response.unsent_length = response.text.size();
    response.text.clear();
  }
  return response;
}

http::Response error_answer(const Error& error, const Exchange& exchange) {
  if (error.code != Code::internal) {
    return refusal(exchange, status_of(error.code), error.message);
  }
  return refusal(exchange, status_of(error.code),
                 "the server met an error that nobody foresaw; its log has more under the request "
                 "id " +
                     exchange.request.id);
}

http::Response method_refusal(const http::RequestHead& head,
                              const std::vector<std::string>& allowed) {
  std::string list;
  for (const std::string& method : allowed) list.append(list.empty() ? "" : ", ").append(method);
  http::Response response = refusal(head, 405, "this path takes only the methods " + list);
  response.set("Allow", list);
  return response;
}

http::Response wrong_media_type(const Exchange& exchange, std::string_view expected) {
  return refusal(exchange, 415,
                 "this request's body must have the Content-Type " + std::string(expected));
}

void log_failure(const Error& error, const http::Request& request) {
  const std::string target =
      std::string(request.head.method) + " " + std::string(request.head.path);
  const bool defect = error.code == Code::internal || error.code == Code::corrupt;
  const bool beneath = error.code == Code::unavailable || error.code == Code::timeout ||
                       error.code == Code::no_space;
  const log::Level level = defect    ? log::Level::error
                           : beneath ? log::Level::warning
                                     : log::Level::debug;
  const std::string_view what = defect || beneath ? "a request failed" : "a request was refused";
  log::failure(level, what, error, {{"request", request.id}, {"target", target}});
}

}  // namespace visor::front::glance
