#include "service/measures.h"

namespace visor::service {

Measures& Measures::of_process() {
  auto& registry = metrics::Registry::process();
  constexpr const char* kUploads = "Uploads that are over, by outcome.";
  static Measures measures{
      registry.gauge("visor_uploads_under_way", "Uploads under way."),
      registry.counter("visor_uploads_total", kUploads, {{"outcome", "finished"}}),
      registry.counter("visor_uploads_total", kUploads, {{"outcome", "failed"}}),
      registry.counter("visor_uploaded_bytes_total",
                       "Bytes that uploads and copies wrote to a store."),
      registry.counter("visor_downloads_total", "Downloads of images, or parts of them, begun.")};
  return measures;
}

}  // namespace visor::service
