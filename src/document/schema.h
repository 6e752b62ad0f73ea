// Whether a document has the form that a JSON Schema describes.
#pragma once

#include "base/error.h"
#include "document/value.h"

namespace visor::document {

/// `invalid`, saying where and why, unless `value` keeps to `schema` (JSON Schema, 2020-12). Of its
/// words these count: type, enum, minLength, maxLength (in characters), minimum, maximum, minItems,
/// maxItems, uniqueItems, items, required, properties, additionalProperties, and $ref to one of the
/// schema's own `definitions`. The others (pattern, format, default, description, ...) tell people
/// and clients something and refuse nothing. A schema refers to itself at most as deep as `value`
/// is.
Result<void> check_schema(const Value& schema, const Value& value);

}  // namespace visor::document
