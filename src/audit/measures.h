// Private to this folder: what the log does to the metrics.
#pragma once

#include "base/metrics.h"

namespace visor::audit {

/// Of all logs of the process.
struct Measures {
  metrics::Counter& lines;
  metrics::Counter& failures;
  metrics::Histogram& group;

  static Measures& of_process();
};

}  // namespace visor::audit
