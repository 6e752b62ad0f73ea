#include "front/operations/operations_front_end.h"

#include <chrono>
#include <utility>

namespace visor::front::operations {
namespace {

http::Response text(int status, std::string body, std::string_view type = "text/plain") {
  http::Response response;
  response.status = status;
  response.set("Content-Type", std::string(type));
  // A number from a cache would be the answer to another question.
  response.set("Cache-Control", "no-store");
  response.text = std::move(body);
  return response;
}

http::Response unavailable(std::string reason) {
  http::Response response = text(503, std::move(reason) + "\n");
  response.set("Retry-After", "1");
  return response;
}

}  // namespace

OperationsFrontEnd::OperationsFrontEnd(metrics::Registry& registry, const Readiness& readiness,
                                       Options options)
    : registry_(registry),
      readiness_(readiness),
      process_(registry),
      options_(std::move(options)) {}

http::Response OperationsFrontEnd::answer(std::string_view path) {
  if (path == "/metrics") {
    process_.sample();
    if (options_.sample) options_.sample();
    return text(200, registry_.text(), metrics::kTextType);
  }
  if (path == "/readyz") {
    const auto verdict = readiness_.verdict(std::chrono::steady_clock::now());
    return verdict ? text(200, "ready\n") : unavailable(verdict.error().message);
  }
  if (path == "/healthz") return text(200, "OK\n");
  return text(404, "There are /metrics, /readyz and /healthz here.\n");
}

async::Task<http::Response> OperationsFrontEnd::handle(http::Request& request) {
  const std::string_view method = request.head.method;
  if (method != "GET" && method != "HEAD") {
    http::Response response = text(405, "Only GET and HEAD are known here.\n");
    response.set("Allow", "GET, HEAD");
    co_return response;
  }
  http::Response response = answer(request.head.path);
  if (method == "HEAD") {
    response.unsent_length = response.text.size();
    response.text.clear();
  }
  co_return response;
}

http::Response OperationsFrontEnd::refuse(int status, std::string_view reason,
                                          const http::RequestHead&) {
  if (status == 503) return unavailable(std::string(reason));
  return text(status, std::string(reason) + "\n");
}

}  // namespace visor::front::operations
