// What the operating system says of this process.
#pragma once

#include "base/metrics.h"

namespace visor::front::operations {

/// Processor time, memory, descriptors and the start time, under the names that Prometheus' own
/// clients use, and visor_build_info with the version.
class ProcessMetrics {
 public:
  explicit ProcessMetrics(metrics::Registry& registry);

  /// Asks the system; to be called before the metrics are collected. Thread-safe. What the system
  /// doesn't tell keeps its old value.
  void sample();

 private:
  metrics::Gauge& processor_;
  metrics::Gauge& resident_;
  metrics::Gauge& virtual_;
  metrics::Gauge& descriptors_;
  metrics::Gauge& descriptor_limit_;
};

}  // namespace visor::front::operations
