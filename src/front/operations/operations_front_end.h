// What operators and their monitoring ask the server: metrics, readiness and life.
#pragma once

#include <functional>
#include <string>

#include "base/metrics.h"
#include "front/operations/process_metrics.h"
#include "front/operations/readiness.h"
#include "http/message.h"

namespace visor::front::operations {

/// Answers GET and HEAD of /metrics, /readyz and /healthz to anybody who reaches it, so that its
/// address must be one that only operators reach. Nothing it answers names an image or an account.
class OperationsFrontEnd final : public http::Handler {
 public:
  struct Options {
    /// Called before the metrics are collected, from any thread: sets those that somebody else
    /// keeps. Quick. May be null.
    std::function<void()> sample;
  };

  /// Both outlive it.
  OperationsFrontEnd(metrics::Registry& registry, const Readiness& readiness, Options options);

  async::Task<http::Response> handle(http::Request& request) override;
  http::Response refuse(int status, std::string_view reason,
                        const http::RequestHead& head) override;

 private:
  http::Response answer(std::string_view path);

  metrics::Registry& registry_;
  const Readiness& readiness_;
  ProcessMetrics process_;
  const Options options_;
};

}  // namespace visor::front::operations
