#include "front/native/attribute_header.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/encoding.h"

namespace visor::front::native {
namespace {

/// The attribute that a header names, in its normal spelling; nothing for other headers.
std::optional<std::string> attribute_of(std::string_view header) {
  std::string prefix = to_lower(header.substr(0, kAttributePrefix.size()));
  std::ranges::replace(prefix, '_', '-');
  if (prefix != kAttributePrefix) return std::nullopt;
  return normal_name(header.substr(kAttributePrefix.size()));
}

std::set<std::string> encoded_names(const http::RequestHead& head) {
  std::set<std::string> names;
  for (const http::Field& field : head.fields) {
    if (!equal_ignoring_case(field.name, kEncodedHeader)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view name = trim(rest.substr(0, comma));
      if (!name.empty()) names.insert(normal_name(name));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return names;
}

/// The attribute's value as text.
Result<std::string> decode_value(const std::string& name, std::string_view raw, bool encoded) {
  std::string value(raw);
  if (encoded) {
    std::optional<std::string> decoded = percent_decode(raw);
    if (!decoded) {
      return fail(Code::invalid, "the attribute " + name + " is named in " +
                                     std::string(kEncodedHeader) +
                                     ", but its value is not percent-encoded");
    }
    value = std::move(*decoded);
  }
  if (!valid_utf8(value)) {
    return fail(Code::invalid, "the value of the attribute " + name + " is not valid UTF-8");
  }
  return value;
}

/// A name that came in by another protocol may hold what a header's name cannot.
std::string token(std::string_view attribute) { return percent_encode(attribute, "!#$%&'*+^`|"); }

}  // namespace

Result<RequestAttributes> read_attributes(const http::RequestHead& head) {
  const std::set<std::string> encoded = encoded_names(head);
  std::set<std::string> seen;
  RequestAttributes read;
  for (const http::Field& field : head.fields) {
    const std::optional<std::string> name = attribute_of(field.name);
    if (!name) continue;
    if (name->empty()) {
      return fail(Code::invalid, "a header named x-image-meta- lacks the name of an attribute");
    }
    if (!seen.insert(*name).second) {
      return fail(Code::invalid, "the attribute " + *name + " is given more than once");
    }
    Result<std::string> value = decode_value(*name, field.value, encoded.contains(*name));
    if (!value) return pass(value);
    if (*name == "location") {
      read.location = std::move(*value);
    } else {
      Result<image::Edit> edit = native_edit(*name, std::move(*value));
      if (!edit) return pass(edit);
      read.edits.push_back(std::move(*edit));
    }
  }
  read.any = !seen.empty();
  return read;
}

void write_attributes(const std::vector<NativeAttribute>& attributes, http::Response& response) {
  std::string encoded;
  for (const NativeAttribute& attribute : attributes) {
    const bool carried = header_carries(attribute.value);
    const std::string name = token(attribute.name);
    if (!carried) encoded.append(encoded.empty() ? "" : ", ").append(name);
    response.set(std::string(kAttributePrefix) + name,
                 carried ? attribute.value : percent_encode(attribute.value));
  }
  if (!encoded.empty()) response.set(std::string(kEncodedHeader), std::move(encoded));
}

bool header_carries(std::string_view text) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return std::ranges::none_of(text, is_control) && trim(text) == text;
}

}  // namespace visor::front::native
