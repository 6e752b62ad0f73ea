// Private to this folder: what transfers do to the metrics.
#pragma once

#include "base/metrics.h"

namespace visor::service {

/// Of all services of the process.
struct Measures {
  metrics::Gauge& uploads_under_way;
  metrics::Counter& uploads_finished;
  metrics::Counter& uploads_failed;
  metrics::Counter& uploaded_bytes;  ///< written to a store, whatever became of them
  metrics::Counter& downloads;

  static Measures& of_process();
};

}  // namespace visor::service
