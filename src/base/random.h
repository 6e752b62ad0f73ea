// Randomness from the system's generator.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace visor {

/// `count` bytes fit for keys. Ends the process if the system has no randomness: nothing that
/// follows would be safe.
std::string random_bytes(std::size_t count);

/// A version 4 UUID in lower case (RFC 9562, 5.4).
std::string random_uuid();
/// Whether `text` has the form of a UUID of any version, in lower case.
bool is_uuid(std::string_view text);

}  // namespace visor
