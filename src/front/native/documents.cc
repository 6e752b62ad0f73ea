#include "front/native/documents.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/units.h"
#include "document/json.h"
#include "document/xml.h"

namespace visor::front::native {
namespace {

/// How much a media type is wanted: its weight in thousandths, and how exactly it was named (0: not
/// at all, 3: in full).
struct Preference {
  int weight = 0;
  int exactness = 0;
};

/// The next piece of `rest` up to `separator`, which is taken away with it.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

/// "1", "0.5", "0.125" in thousandths. What is no weight counts as 1, like no weight at all.
int parse_weight(std::string_view text) {
  const std::string digits(text);
  char* end = nullptr;
  const double weight = std::strtod(digits.c_str(), &end);
  if (end != digits.c_str() + digits.size() || !(weight >= 0 && weight <= 1)) return 1000;
  return static_cast<int>(weight * 1000 + 0.5);
}

int exactness(std::string_view range, std::string_view type) {
  if (equal_ignoring_case(range, type)) return 3;
  const std::string_view family = type.substr(0, type.find('/') + 1);
  if (range.ends_with("/*") && equal_ignoring_case(range.substr(0, range.size() - 1), family)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

/// The most exact range that matches decides (RFC 9110, 12.5.1).
void look_at(std::string_view range, int weight, std::string_view type, Preference& preference) {
  const int exact = exactness(range, type);
  if (exact > preference.exactness) preference = {weight, exact};
}

bool outweighs(const Preference& left, const Preference& right) {
  return std::pair(left.weight, left.exactness) > std::pair(right.weight, right.exactness);
}

}  // namespace

DocumentKind preferred_kind(const http::RequestHead& head) {
  Preference json;
  Preference application_xml;
  Preference text_xml;
  for (const http::Field& field : head.fields) {
    if (!equal_ignoring_case(field.name, "accept")) continue;
    std::string_view ranges = field.value;
    while (!ranges.empty()) {
      std::string_view parameters = cut(ranges, ',');
      const std::string_view range = cut(parameters, ';');
      int weight = 1000;
      while (!parameters.empty()) {
        const std::string_view parameter = cut(parameters, ';');
        if (equal_ignoring_case(parameter.substr(0, 2), "q=")) {
          weight = parse_weight(parameter.substr(2));
        }
      }
      look_at(range, weight, "application/json", json);
      look_at(range, weight, "application/xml", application_xml);
      look_at(range, weight, "text/xml", text_xml);
    }
  }
  const bool xml = (application_xml.weight > 0 && outweighs(application_xml, json)) ||
                   (text_xml.weight > 0 && outweighs(text_xml, json));
  return xml ? DocumentKind::xml : DocumentKind::json;
}

std::string_view media_type(DocumentKind kind) {
  return kind == DocumentKind::json ? "application/json" : "application/xml";
}

document::Value object_of(const std::vector<NativeAttribute>& attributes) {
  document::Value object = document::Value::object();
  for (const NativeAttribute& attribute : attributes) {
    const auto number = attribute.number ? parse_unsigned(attribute.value) : std::nullopt;
    object.append(attribute.name,
                  number ? document::Value(*number) : document::Value(attribute.value));
  }
  return object;
}

std::string write_document(DocumentKind kind, std::string_view name, const document::Value& value) {
  if (kind == DocumentKind::xml) return document::write_xml(name, value);
  document::Value document = document::Value::object();
  document.append(std::string(name), value);
  return document::write_json(document);
}

http::Response document_answer(DocumentKind kind, std::string_view name,
                               const document::Value& value) {
  http::Response response;
  response.set("Content-Type", std::string(media_type(kind)));
  response.text = write_document(kind, name, value);
  return response;
}

}  // namespace visor::front::native
