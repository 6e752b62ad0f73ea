#include <map>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "document/place.h"
#include "document/xml.h"
#include "document/xml_check.h"
#include "document/xml_rules.h"

namespace visor::document {
namespace {

std::unexpected<Error> refuse(Code code, std::string_view text, std::size_t offset,
                              const std::string& reason) {
  return fail(
      code, "the XML document cannot be read: at " + describe_place(text, offset) + ", " + reason);
}

bool all_white(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Turns elements into values. The recursion is as deep as the elements are nested, which was
/// bounded before.
class Converter {
 public:
  explicit Converter(std::string_view text) : text_(text) {}

  Result<std::string> name_of(const pugi::xml_node& element) const {
    const std::string_view name = element.name();
    const pugi::xml_attribute given = element.attribute("name");
    if (name != "attribute" || !given) return std::string(name);
    if (element.attribute("name-encoding").value() != std::string_view("percent")) {
      return std::string(given.value());
    }
    return decoded(element, given.value());
  }

  Result<Value> convert(const pugi::xml_node& element, std::string_view name) const {
    std::string text;
    bool has_children = false;
    for (const pugi::xml_node& child : element) {
      if (child.type() == pugi::node_element) {
        has_children = true;
      } else {
        text += child.value();
      }
    }
    const std::string_view type = element.attribute("type").value();
    if (!has_children) return leaf(element, type, std::move(text));
    if (!all_white(text)) {
      return refused(
          element, "the element " + quote_for_message(name) + " has both text and child elements");
    }
    auto members = children(element);
    if (!members) return pass(members);
    if (type == "array" || (type != "object" && looks_like_array(name, *members))) {
      Value::Array entries;
      for (Member& member : *members) entries.push_back(std::move(member.value));
      return Value(std::move(entries));
    }
    return merged(std::move(*members));
  }

 private:
  std::unexpected<Error> refused(const pugi::xml_node& element, const std::string& reason) const {
    const std::ptrdiff_t offset = element.offset_debug();
    return refuse(Code::invalid, text_, offset < 0 ? 0 : static_cast<std::size_t>(offset), reason);
  }

  Result<std::string> decoded(const pugi::xml_node& element, std::string_view text) const {
    auto plain = percent_decode(text);
    if (!plain || !valid_utf8(*plain)) {
      return refused(element, "the percent-encoding does not give a text in UTF-8");
    }
    return std::move(*plain);
  }

  Result<Value> leaf(const pugi::xml_node& element, std::string_view type, std::string text) const {
    if (element.attribute("nil").value() == std::string_view("true") && text.empty()) {
      return Value(nullptr);
    }
    if (type == "array" && all_white(text)) return Value::array();
    if (type == "object" && all_white(text)) return Value::object();
    if (element.attribute("encoding").value() != std::string_view("percent")) {
      return Value(std::move(text));
    }
    auto plain = decoded(element, text);
    if (!plain) return pass(plain);
    return Value(std::move(*plain));
  }

  Result<Value::Object> children(const pugi::xml_node& element) const {
    Value::Object members;
    for (const pugi::xml_node& child : element) {
      if (child.type() != pugi::node_element) continue;
      auto name = name_of(child);
      if (!name) return pass(name);
      auto value = convert(child, *name);
      if (!value) return pass(value);
      members.push_back({std::move(*name), std::move(*value)});
    }
    return members;
  }

  /// Children of one name become an array in the place of the first.
  static Value merged(Value::Object members) {
    std::map<std::string, std::vector<std::size_t>, std::less<>> places;
    for (std::size_t i = 0; i < members.size(); ++i) places[members[i].name].push_back(i);
    Value object = Value::object();
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto& same = places.find(members[i].name)->second;
      if (same.front() != i) continue;
      if (same.size() == 1) {
        object.append(std::move(members[i].name), std::move(members[i].value));
        continue;
      }
      Value::Array entries;
      for (const std::size_t place : same) entries.push_back(std::move(members[place].value));
      object.append(std::move(members[i].name), std::move(entries));
    }
    return object;
  }

  std::string_view text_;
};

}  // namespace

Result<Value> parse_xml(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) {
    return fail(Code::too_large, "the XML document is larger than the " +
                                     std::to_string(limits.bytes) + " bytes that are allowed");
  }
  if (const auto fault = check_xml(text, limits)) {
    return refuse(fault->too_large ? Code::too_large : Code::invalid, text, fault->offset,
                  fault->reason);
  }
  pugi::xml_document document;
  constexpr unsigned int kOptions = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                                    pugi::parse_wconv_attribute | pugi::parse_ws_pcdata_single |
                                    pugi::parse_declaration | pugi::parse_doctype;
  const auto result = document.load_buffer(text.data(), text.size(), kOptions, pugi::encoding_utf8);
  if (result.status == pugi::status_out_of_memory) {
    return fail(Code::unavailable, "the server has no memory left to read the XML document");
  }
  if (!result) {
    return refuse(Code::invalid, text, static_cast<std::size_t>(result.offset),
                  "this is not XML here (" + to_lower(result.description()) + ")");
  }
  for (const pugi::xml_node& node : document) {
    if (node.type() == pugi::node_doctype) {
      return refuse(Code::invalid, text, 0, "document type declarations are not accepted");
    }
    if (node.type() != pugi::node_declaration) continue;
    const std::string_view encoding = node.attribute("encoding").value();
    if (!encoding.empty() && !equal_ignoring_case(encoding, "utf-8") &&
        !equal_ignoring_case(encoding, "us-ascii")) {
      return refuse(Code::unsupported, text, 0, "the encoding must be UTF-8");
    }
  }
  const Converter converter(text);
  const pugi::xml_node root = document.document_element();
  auto name = converter.name_of(root);
  if (!name) return pass(name);
  auto value = converter.convert(root, *name);
  if (!value) return pass(value);
  Value tree = Value::object();
  tree.append(std::move(*name), std::move(*value));
  return tree;
}

}  // namespace visor::document
