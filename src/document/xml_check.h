// A look at an XML text before a tree is made of it. Private to this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "document/limits.h"

namespace visor::document {

/// What is wrong, and at which byte.
struct XmlFault {
  std::size_t offset = 0;
  std::string reason;
  bool too_large = false;
};

/// Walks over the tags without recursion and without building anything. Finds what a lenient or
/// generous parser would let pass: bytes that are no UTF-8, characters that XML does not have, a
/// DOCTYPE, unknown entities, too many levels or elements, text outside of the root element, more
/// than one root, a text that ends too early. Tags' names are compared later, by the parser.
std::optional<XmlFault> check_xml(std::string_view text, const Limits& limits);

}  // namespace visor::document
