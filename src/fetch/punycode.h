// Punycode, as far as its soundness goes.
#pragma once

#include <string_view>

namespace visor::fetch {

/// Whether `encoded` (what follows "xn--" in a label, ASCII in lower case) decodes to Unicode
/// scalar values of which at least one is not ASCII (RFC 3492, section 6.2).
bool valid_punycode(std::string_view encoded);

}  // namespace visor::fetch
