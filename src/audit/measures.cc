#include "audit/measures.h"

namespace visor::audit {

Measures& Measures::of_process() {
  auto& registry = metrics::Registry::process();
  static Measures measures{
      registry.counter("visor_audit_lines_total", "Lines that were written to the audit log."),
      registry.counter("visor_audit_failures_total",
                       "Lines that could not be written to the audit log, or not durably."),
      registry.histogram("visor_audit_sync_changes",
                         "Changes that waited together for the audit log to be made durable.",
                         metrics::Unit::number, metrics::number_bounds())};
  return measures;
}

}  // namespace visor::audit
