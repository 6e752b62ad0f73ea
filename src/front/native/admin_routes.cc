#include "front/native/admin_routes.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "document/value.h"
#include "front/native/document_list.h"

namespace visor::front::native {
namespace {

constexpr ListName kRequestList{"requests", "request"};
constexpr ListName kJobList{"jobs", "job"};

std::unexpected<Error> administrators_only(const Exchange& exchange, const char* verb) {
  const Error refused{
      Code::forbidden, "only administrators may see what the server is doing, or end it", {}, {}};
  tell_refused(exchange, verb, {}, refused);
  return std::unexpected(refused);
}

double seconds(std::chrono::steady_clock::duration duration) {
  // Finer than anybody reads, and short to write.
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) /
         1000;
}

document::Value request_object(const http::LiveRequest& request) {
  const auto micros = std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::microseconds>(request.age).count());
  const std::uint64_t moved = std::max(request.bytes_in, request.bytes_out);
  const Time started = Clock::system().now() - std::chrono::microseconds(micros);
  document::Value shown = document::Value::object({{"id", request.id}});
  if (!request.method.empty()) {
    shown.append("method", request.method);
    shown.append("path", request.target);
  }
  if (!request.user.empty()) shown.append("account", request.user);
  shown.append("client", request.peer);
  shown.append("front_end", "native");
  shown.append("state", std::string(to_string(request.stage)));
  shown.append("started_at", format_visor_time(started));
  shown.append("age", seconds(request.age));
  shown.append("bytes_in", request.bytes_in);
  shown.append("bytes_out", request.bytes_out);
  shown.append("bytes_per_second", static_cast<std::uint64_t>(static_cast<double>(moved) * 1e6 /
                                                              static_cast<double>(micros)));
  return shown;
}

document::Value job_object(const service::Jobs::Status& job) {
  document::Value shown = document::Value::object({{"name", job.name},
                                                   {"state", job.running     ? "running"
                                                             : job.runs == 0 ? "waiting"
                                                                             : "idle"},
                                                   {"runs", job.runs},
                                                   {"failures", job.failures}});
  if (job.period.count() > 0) {
    shown.append("period", static_cast<double>(job.period.count()) / 1000);
  }
  if (job.started) shown.append("started_at", format_visor_time(*job.started));
  if (job.runs > 0) {
    shown.append("duration", static_cast<double>(job.duration.count()) / 1e6);
    shown.append("result", job.failure.empty() ? "done" : "failed");
    if (!job.failure.empty()) shown.append("failure", job.failure);
  }
  if (job.next) shown.append("next_at", format_visor_time(*job.next));
  return shown;
}

http::Response list_answer(const Exchange& exchange, ListName name,
                           const std::vector<document::Value>& entries) {
  http::Response response;
  response.set("Content-Type", std::string(media_type(exchange.kind())));
  response.set("Cache-Control", "no-store");
  DocumentListWriter writer(exchange.kind(), name);
  for (const document::Value& entry : entries) writer.add(response.text, entry);
  writer.finish(response.text, "");
  return response;
}

}  // namespace

async::Task<Result<http::Response>> list_requests(http::LiveRequests& requests,
                                                  Exchange& exchange) {
  if (!exchange.who.administrator) co_return administrators_only(exchange, "server.requests");
  std::vector<http::LiveRequest> all = co_await requests.list();
  std::ranges::sort(all, [](const http::LiveRequest& left, const http::LiveRequest& right) {
    return left.age > right.age;
  });
  std::vector<document::Value> entries;
  entries.reserve(all.size());
  for (const http::LiveRequest& request : all) entries.push_back(request_object(request));
  co_return list_answer(exchange, kRequestList, entries);
}

async::Task<Result<http::Response>> cancel_request(http::LiveRequests& requests,
                                                   Exchange& exchange) {
  if (!exchange.who.administrator) co_return administrators_only(exchange, "server.cancel");
  const std::string& id = exchange.parameters[0];
  if (id == exchange.request.id) {
    co_return fail(Code::conflict, "this is the request that asks; it ends by itself");
  }
  const bool found = co_await requests.cancel(id);
  if (!found) {
    co_return fail(Code::not_found, "no request with the id " + id + " is under way (any more)");
  }
  co_return document_answer(exchange.kind(), "request",
                            document::Value::object({{"id", id}, {"state", "cancelled"}}));
}

async::Task<Result<http::Response>> list_jobs(const service::Jobs& jobs, Exchange& exchange) {
  if (!exchange.who.administrator) co_return administrators_only(exchange, "server.jobs");
  std::vector<document::Value> entries;
  for (const service::Jobs::Status& job : jobs.list()) entries.push_back(job_object(job));
  co_return list_answer(exchange, kJobList, entries);
}

}  // namespace visor::front::native
