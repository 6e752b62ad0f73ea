// Characters that may not reach a terminal or a viewer of logs as they are.
#pragma once

#include <cstdint>

namespace visor {

/// Whether a character (a Unicode code point) ends a line or turns the reading direction in some
/// viewer or other: the controls of both halves of Latin 1, line and paragraph separator, the marks
/// and overrides of bidirectional text (Unicode Standard Annex #9), and the byte order mark.
constexpr bool harmful_in_text(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200e || code == 0x200f || code == 0x061c || code == 0xfeff;
}

}  // namespace visor
