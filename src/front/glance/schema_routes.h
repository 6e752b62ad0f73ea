// What the API tells of the form of its documents.
#pragma once

#include <string>

#include "front/glance/exchange.h"

namespace visor::front::glance {

/// Shows the schema of this name: "image", "metadefs/namespace".
async::Task<Result<http::Response>> show_schema(std::string name);

}  // namespace visor::front::glance
