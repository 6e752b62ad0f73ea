#include "document/xml_rules.h"

#include <algorithm>

#include "base/encoding.h"

namespace visor::document {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool follower(char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

}  // namespace

bool is_element_name(std::string_view name) {
  return !name.empty() && letter(name.front()) && std::ranges::all_of(name, follower) &&
         !equal_ignoring_case(name.substr(0, 3), "xml");
}

bool is_xml_character(std::uint32_t code) {
  return code == 0x9 || code == 0xa || code == 0xd || (code >= 0x20 && code <= 0xd7ff) ||
         (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

std::string_view entry_name(std::string_view array_name) {
  if (array_name.ends_with('s')) {
    const std::string_view singular = array_name.substr(0, array_name.size() - 1);
    if (is_element_name(singular)) return singular;
  }
  return "item";
}

bool looks_like_array(std::string_view name, const Value::Object& members) {
  return !members.empty() &&
         std::ranges::all_of(members, [entry = entry_name(name)](const Member& member) {
           return member.name == entry;
         });
}

}  // namespace visor::document
