// Text encodings: hex, base64, percent, UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace visor {

std::string to_hex(std::string_view bytes);
std::string to_hex(std::span<const std::byte> bytes);
/// Nothing if `text` has an odd length or another character than a hex digit.
std::optional<std::string> from_hex(std::string_view text);

/// RFC 4648, section 4, with padding.
std::string to_base64(std::string_view bytes);
/// Strict: padding needed, no white space.
std::optional<std::string> from_base64(std::string_view text);
/// RFC 4648, section 5, without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

/// Percent-encodes all but RFC 3986's unreserved characters and those in `keep`, with upper-case
/// hex.
std::string percent_encode(std::string_view text, std::string_view keep = {});
/// Nothing if a '%' is not followed by two hex digits. '+' stays '+'.
std::optional<std::string> percent_decode(std::string_view text);

/// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool valid_utf8(std::string_view text);

/// A character of UTF-8, or a byte that belongs to none (`valid` is false, `code` the byte,
/// `length` 1).
struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
  bool valid = false;
};
/// The first character of `text`, which must not be empty.
Utf8Character first_utf8_character(std::string_view text);

/// Lower case for ASCII letters only; other bytes stay.
std::string to_lower(std::string_view text);
/// Whether two texts are equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view left, std::string_view right);
/// Without the blanks and tabs at both ends.
std::string_view trim(std::string_view text);

}  // namespace visor
