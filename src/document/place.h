// Where in a text something is wrong, for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace visor::document {

/// "line 3, column 5 (byte 42)": lines and columns count from 1, columns in characters of UTF-8,
/// bytes from 0. An `offset` beyond the text means its end.
std::string describe_place(std::string_view text, std::size_t offset);

/// `text` in double quotes, fit for a message: at most 64 characters, control characters and stray
/// bytes shown as '?'.
std::string quote_for_message(std::string_view text);

}  // namespace visor::document
