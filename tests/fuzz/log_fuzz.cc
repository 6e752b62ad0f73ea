// Lines of the log about a stranger's texts: one event is one line, nothing in it moves a
// terminal's cursor, and JSON lines are JSON that tells the texts. The first byte chooses the form,
// the first line break separates the message from a value.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/log_line.h"
#include "document/json.h"
#include "head_of_lines.h"

namespace {

using namespace visor;
using fuzz::require;

void check_line(const std::string& line) {
  require(line.ends_with('\n') && line.find('\n') == line.size() - 1);
  require(valid_utf8(line));
  std::string_view rest(line);
  rest.remove_suffix(1);
  while (!rest.empty()) {
    const Utf8Character character = first_utf8_character(rest);
    const std::uint32_t code = character.code;
    require(code >= 0x20 && !(code >= 0x7f && code <= 0x9f) && code != 0x2028 && code != 0x2029);
    require(!(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
    rest.remove_prefix(character.length);
  }
}

/// Whether a line says nothing but the text: a long one is cut, a stray byte is spelt out.
bool told_whole(std::string_view text) { return text.size() <= 4096 && valid_utf8(text); }

void check_json(std::string_view line, std::string_view message, std::string_view value) {
  const auto tree = document::parse_json(line);
  require(tree.has_value());
  const auto member = [&tree](std::string_view name) {
    const document::Value* found = tree->find(name);
    require(found != nullptr && found->as_text() != nullptr);
    return std::string_view(*found->as_text());
  };
  require(!told_whole(message) || member("message") == message);
  require(!told_whole(value) || member("client") == value);
  require(member("status") == "404");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const log::Form form = (data[0] & 1) != 0 ? log::Form::json : log::Form::text;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view message = text.substr(0, end);
  const std::string value(text.substr(std::min(end + 1, text.size())));

  const std::array<log::Field, 2> fields{{{"client", value}, {"status", "404"}}};
  std::string line;
  log::append_line(line, form, log::Level::info, Time{}, message, fields);
  check_line(line);
  if (form == log::Form::json) check_json(line, message, value);
  return 0;
}
