// What requests do to the metrics.
#pragma once

#include <array>

#include "base/metrics.h"
#include "http/session.h"

namespace visor::front::operations {

/// Counts requests when they are over. Thread-safe, without lock and allocation.
class RequestMetrics {
 public:
  explicit RequestMetrics(metrics::Registry& registry);

  /// To be called from the server's http::OnDone.
  void count(const http::RequestRecord& record);

 private:
  static constexpr std::size_t kMethods = 6;
  static constexpr std::size_t kClasses = 6;

  std::array<std::array<metrics::Counter*, kClasses>, kMethods> requests_{};
  std::array<metrics::Histogram*, kMethods> seconds_{};
  metrics::Counter& refused_;
  metrics::Counter& incomplete_;
  metrics::Counter& received_;
  metrics::Counter& sent_;
};

}  // namespace visor::front::operations
