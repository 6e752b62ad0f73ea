// The schemas of what the API reads and shows: one source for what clients are told of a document's
// form and for what is refused.
#pragma once

#include <string_view>

#include "document/value.h"

namespace visor::front::glance {

/// The schema at "/v2/schemas/" + name: "image", "metadefs/namespaces"; null if there is none. The
/// schemas stand in schemas.json; those of lists are made from those of what is listed. They live
/// as long as the process.
const document::Value* find_schema(std::string_view name);

/// One of those that there are for certain.
const document::Value& schema_of(std::string_view name);

}  // namespace visor::front::glance
