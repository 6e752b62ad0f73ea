#include "front/operations/request_metrics.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace visor::front::operations {
namespace {

// Whatever a client makes up as a method is one series.
constexpr std::array<std::string_view, 6> kMethodNames = {"GET", "HEAD",   "POST",
                                                          "PUT", "DELETE", "other"};
constexpr std::array<std::string_view, 6> kClassNames = {"1xx", "2xx", "3xx",
                                                         "4xx", "5xx", "other"};

std::size_t index_of(std::string_view method) {
  const auto found = std::ranges::find(kMethodNames, method);
  return found == kMethodNames.end() ? kMethodNames.size() - 1
                                     : static_cast<std::size_t>(found - kMethodNames.begin());
}

std::size_t class_of(int status) {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100 - 1)
                                       : kClassNames.size() - 1;
}

}  // namespace

RequestMetrics::RequestMetrics(metrics::Registry& registry)
    : refused_(registry.counter("visor_http_refused_total",
                                "Requests answered with 503: too many at once, a full queue, or "
                                "something that the server stands on is down.")),
      incomplete_(registry.counter("visor_http_incomplete_answers_total",
                                   "Answers that broke off, most often because the client left.")),
      received_(registry.counter("visor_http_received_bytes_total",
                                 "Bytes of request bodies, counted when the request is over.")),
      sent_(registry.counter("visor_http_sent_bytes_total",
                             "Bytes of answers, heads included, counted when the request is "
                             "over.")) {
  for (std::size_t method = 0; method < kMethods; ++method) {
    for (std::size_t status = 0; status < kClasses; ++status) {
      requests_[method][status] =
          &registry.counter("visor_http_requests_total", "Requests by method and class of status.",
                            {{"method", kMethodNames[method]}, {"status", kClassNames[status]}});
    }
    seconds_[method] = &registry.histogram(
        "visor_http_request_seconds", "Time from a request's first byte to its answer's last.",
        metrics::Unit::duration, metrics::request_bounds(), {{"method", kMethodNames[method]}});
  }
}

void RequestMetrics::count(const http::RequestRecord& record) {
  const std::size_t method = index_of(record.method);
  requests_[method][class_of(record.status)]->add();
  seconds_[method]->observe(record.duration);
  received_.add(record.bytes_in);
  sent_.add(record.bytes_out);
  if (record.status == 503) refused_.add();
  if (!record.complete) incomplete_.add();
}

}  // namespace visor::front::operations
