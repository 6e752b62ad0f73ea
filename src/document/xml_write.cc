#include <algorithm>

#include "base/encoding.h"
#include "document/json.h"
#include "document/xml.h"
#include "document/xml_rules.h"

namespace visor::document {
namespace {

/// `text` with U+FFFD for every byte that belongs to no character.
std::string repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    out += character.valid ? text.substr(0, character.length) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(character.length);
  }
  return out;
}

bool carried(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (!is_xml_character(character.code)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

/// A reader turns a bare carriage return into a line feed, and in an attribute every white space
/// into a blank; references are left as they are.
void append_escaped(std::string& out, std::string_view text, bool in_attribute) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '"':
        out += in_attribute ? "&quot;" : "\"";
        break;
      case '\n':
        out += in_attribute ? "&#10;" : "\n";
        break;
      case '\t':
        out += in_attribute ? "&#9;" : "\t";
        break;
      default:
        out += c;
    }
  }
}

/// Opens the tag, without its closing bracket, and gives the name to close it with.
std::string_view begin_tag(std::string& out, std::string_view name) {
  out += '<';
  if (is_element_name(name)) {
    out += name;
    return name;
  }
  const std::string sound = repaired(name);
  out += "attribute name=\"";
  if (carried(sound)) {
    append_escaped(out, sound, true);
  } else {
    out += percent_encode(sound);
    out += "\" name-encoding=\"percent";
  }
  out += '"';
  return "attribute";
}

void end_tag(std::string& out, std::string_view name) {
  out += "</";
  out += name;
  out += '>';
}

void append_text_element(std::string& out, std::string_view name, std::string_view text) {
  const std::string_view tag = begin_tag(out, name);
  const std::string sound = repaired(text);
  if (sound.empty()) {
    out += "/>";
    return;
  }
  if (carried(sound)) {
    out += '>';
    append_escaped(out, sound, false);
  } else {
    out += " encoding=\"percent\">";
    out += percent_encode(sound);
  }
  end_tag(out, tag);
}

void append_empty(std::string& out, std::string_view name, std::string_view attribute) {
  begin_tag(out, name);
  out += ' ';
  out += attribute;
  out += "/>";
}

void append_array(std::string& out, std::string_view name, const Value::Array& entries) {
  if (entries.empty()) {
    append_empty(out, name, "type=\"array\"");
    return;
  }
  const std::string_view tag = begin_tag(out, name);
  out += '>';
  for (const Value& entry : entries) append_xml_element(out, entry_name(name), entry);
  end_tag(out, tag);
}

void append_object(std::string& out, std::string_view name, const Value::Object& members) {
  if (members.empty()) {
    append_empty(out, name, "type=\"object\"");
    return;
  }
  const std::string_view tag = begin_tag(out, name);
  if (looks_like_array(name, members)) out += " type=\"object\"";
  out += '>';
  for (const Member& member : members) append_xml_element(out, member.name, member.value);
  end_tag(out, tag);
}

}  // namespace

void append_xml_element(std::string& out, std::string_view name, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      append_empty(out, name, "nil=\"true\"");
      break;
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::number:
      append_text_element(out, name, write_json(value));
      break;
    case Value::Kind::text:
      append_text_element(out, name, *value.as_text());
      break;
    case Value::Kind::array:
      append_array(out, name, *value.as_array());
      break;
    case Value::Kind::object:
      append_object(out, name, *value.as_object());
      break;
  }
}

std::string write_xml(std::string_view root_name, const Value& value) {
  std::string out(kXmlDeclaration);
  append_xml_element(out, root_name, value);
  return out + '\n';
}

std::string write_xml(const Value& document) {
  const Value::Object* members = document.as_object();
  if (members == nullptr || members->size() != 1) return write_xml("document", document);
  return write_xml(members->front().name, members->front().value);
}

}  // namespace visor::document
