// The same trees as XML 1.0: one element a member.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "document/limits.h"
#include "document/value.h"

namespace visor::document {

/// A whole document with its declaration. The rules:
/// - an object's members become child elements; texts, numbers and booleans become character data;
/// - an array's entries become children named by the singular of the array's name ("images":
/// "image", by dropping the
///   last s), otherwise "item";
/// - a name that is no ASCII XML name, holds a colon or starts with "xml" becomes <attribute
/// name="…">;
/// - a text with characters that XML cannot carry is percent-encoded and its element says
/// encoding="percent"; a name says
///   name-encoding="percent";
/// - null says nil="true"; empty arrays and objects, and objects that would read back as an array,
/// say so in `type`. Bytes of a text that are no UTF-8 become U+FFFD.
std::string write_xml(std::string_view root_name, const Value& value);
/// The same for a document in JSON's shape, {"image": {…}}: the only member is the root. Anything
/// else gets the root element "document".
std::string write_xml(const Value& document);

/// For writers that stream.
inline constexpr std::string_view kXmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
void append_xml_element(std::string& out, std::string_view name, const Value& value);

/// Reads a document into {"<root>": …}, by the rules above in reverse: elements with text only are
/// texts (XML knows no numbers), elements whose children are all named by their singular are
/// arrays, others with children are objects, and children of one name in an object become an array
/// under it. Other attributes, comments and processing instructions are left out. Refused: a
/// DOCTYPE, entities other than the five and character references, text beside child elements,
/// another encoding than UTF-8. Errors: `invalid` with the place as line and column, `too_large`
/// over `limits.bytes` or `limits.values`.
Result<Value> parse_xml(std::string_view text, Limits limits = {});

}  // namespace visor::document
