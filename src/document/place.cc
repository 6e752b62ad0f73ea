#include "document/place.h"

#include <algorithm>

#include "base/encoding.h"

namespace visor::document {

std::string describe_place(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t last_break = before.rfind('\n');
  const std::string_view in_line =
      last_break == std::string_view::npos ? before : before.substr(last_break + 1);
  const auto column = 1 + std::ranges::count_if(in_line, [](char c) {
                        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
                      });
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + " (byte " +
         std::to_string(offset) + ")";
}

std::string quote_for_message(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  std::string out = "\"";
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == kLongest) {
      out += "...";
      break;
    }
    const Utf8Character character = first_utf8_character(text);
    const bool shown = character.valid && character.code >= 0x20 &&
                       !(character.code >= 0x7f && character.code <= 0x9f);
    out += shown ? text.substr(0, character.length) : std::string_view("?");
    text.remove_prefix(character.length);
  }
  return out + "\"";
}

}  // namespace visor::document
