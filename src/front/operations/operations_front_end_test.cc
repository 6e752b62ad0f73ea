#include "front/operations/operations_front_end.h"

#include <gtest/gtest.h>

#include <cmath>

#include "async/executor.h"
#include "front/operations/request_metrics.h"

namespace visor::front::operations {
namespace {

struct NoBody final : async::ByteSource {
  std::optional<std::uint64_t> size() const override { return 0; }
  async::Task<Result<std::size_t>> read(std::span<std::byte>) override { co_return 0; }
};

class OperationsTest : public testing::Test {
 protected:
  http::Response ask(std::string_view method, std::string_view path) {
    http::RequestHead head;
    head.method = method;
    head.path = head.target = path;
    NoBody body;
    http::Request request{head, body, "request-1", "192.0.2.7", "127.0.0.1:4570", false, {}};
    return async::run_until_done(front_end_.handle(request));
  }
  static std::string field(const http::Response& response, std::string_view name) {
    for (const auto& [candidate, value] : response.fields) {
      if (candidate == name) return value;
    }
    return {};
  }
  /// The value of a series; NaN if it is not there.
  double value(const std::string& series) {
    const std::string text = "\n" + ask("GET", "/metrics").text;
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? std::nan("")
                                   : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
  }

  metrics::Registry registry_;
  Readiness readiness_{std::chrono::seconds(2)};
  int samples_ = 0;
  OperationsFrontEnd front_end_{registry_, readiness_, {[this] { ++samples_; }}};
};

TEST_F(OperationsTest, ShowsTheMetricsInTheFormatThatItNames) {
  registry_.counter("visor_things_total", "Things.").add(3);
  const http::Response response = ask("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(field(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(field(response, "Cache-Control"), "no-store");
  EXPECT_NE(response.text.find("\nvisor_things_total 3\n"), std::string::npos);
  EXPECT_TRUE(response.text.ends_with('\n'));
  EXPECT_EQ(samples_, 1);
}

TEST_F(OperationsTest, KnowsTheProcessAndTheBuild) {
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_LE(value("process_open_fds"), value("process_max_fds"));
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LE(value("process_start_time_seconds"), now.count() + 1);
  EXPECT_GT(value("process_start_time_seconds"), now.count() - 3600);
  EXPECT_NE(ask("GET", "/metrics").text.find("visor_build_info{compiler=\""), std::string::npos);
}

TEST_F(OperationsTest, SaysWhyTheServerIsNotReady) {
  http::Response response = ask("GET", "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.text, "the server is starting\n");
  EXPECT_EQ(field(response, "Retry-After"), "1");
  readiness_.finish({});
  response = ask("GET", "/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.text, "ready\n");
}

TEST_F(OperationsTest, IsAliveEvenIfItIsNotReady) { EXPECT_EQ(ask("GET", "/healthz").status, 200); }

TEST_F(OperationsTest, AnswersHeadWithTheLengthAlone) {
  for (const char* path : {"/metrics", "/readyz", "/healthz", "/nothing"}) {
    const http::Response response = ask("HEAD", path);
    EXPECT_EQ(response.text, "") << path;
    EXPECT_GT(response.unsent_length.value_or(0), 0u) << path;
  }
}

TEST_F(OperationsTest, RefusesOtherPathsAndMethods) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/metrics/x").status, 404);
  EXPECT_EQ(ask("GET", "/images").status, 404);
  const http::Response response = ask("POST", "/metrics");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(field(response, "Allow"), "GET, HEAD");
}

TEST_F(OperationsTest, AnswersABadHeadInPlainText) {
  const http::RequestHead head;
  const http::Response response = front_end_.refuse(431, "too many fields", head);
  EXPECT_EQ(response.status, 431);
  EXPECT_EQ(response.text, "too many fields\n");
  EXPECT_EQ(field(front_end_.refuse(503, "busy", head), "Retry-After"), "1");
}

TEST_F(OperationsTest, CountsRequestsByMethodAndClassOfStatus) {
  RequestMetrics requests(registry_);
  http::RequestRecord record;
  record.method = "GET";
  record.status = 200;
  record.bytes_in = 5;
  record.bytes_out = 70;
  record.duration = std::chrono::milliseconds(3);
  record.complete = true;
  requests.count(record);
  record.status = 206;
  requests.count(record);
  record.method = "BREW";
  record.status = 503;
  record.complete = false;
  requests.count(record);
  record.method = "";
  record.status = 700;
  requests.count(record);

  EXPECT_EQ(value("visor_http_requests_total{method=\"GET\",status=\"2xx\"}"), 2);
  EXPECT_EQ(value("visor_http_requests_total{method=\"other\",status=\"5xx\"}"), 1);
  EXPECT_EQ(value("visor_http_requests_total{method=\"other\",status=\"other\"}"), 1);
  EXPECT_EQ(value("visor_http_requests_total{method=\"PUT\",status=\"2xx\"}"), 0);
  EXPECT_EQ(value("visor_http_refused_total"), 1);
  EXPECT_EQ(value("visor_http_incomplete_answers_total"), 2);
  EXPECT_EQ(value("visor_http_received_bytes_total"), 20);
  EXPECT_EQ(value("visor_http_sent_bytes_total"), 280);
  EXPECT_EQ(value("visor_http_request_seconds_bucket{method=\"GET\",le=\"0.0025\"}"), 0);
  EXPECT_EQ(value("visor_http_request_seconds_bucket{method=\"GET\",le=\"0.005\"}"), 2);
  EXPECT_EQ(value("visor_http_request_seconds_count{method=\"GET\"}"), 2);
}

}  // namespace
}  // namespace visor::front::operations
