// What the writer and the reader of XML agree on. Private to this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "document/value.h"

namespace visor::document {

/// Whether a name may stand as an element's name as it is: ASCII letters, digits, '_', '-' and '.',
/// begun by a letter or
/// '_', and not one that XML keeps for itself.
bool is_element_name(std::string_view name);

/// Whether XML 1.0 (section 2.2, Char) can carry a character.
bool is_xml_character(std::uint32_t code);

/// What an entry of an array is called: the array's name without its last s, or "item".
std::string_view entry_name(std::string_view array_name);

/// Whether an object under this name has the shape an array would be read from.
bool looks_like_array(std::string_view name, const Value::Object& members);

}  // namespace visor::document
