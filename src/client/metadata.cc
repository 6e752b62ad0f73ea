#include "client/metadata.h"

#include <algorithm>

#include "base/encoding.h"

namespace visor::client {
namespace {

constexpr std::string_view kPrefix = "x-image-meta-";
constexpr std::string_view kEncoded = "x-visor-encoded";

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '_' || letter == '-' || letter == '.';
  });
}

/// Whether a header brings this text across unchanged.
bool header_carries(std::string_view value) {
  return trim(value) == value && std::ranges::none_of(value, [](char letter) {
           const auto byte = static_cast<unsigned char>(letter);
           return byte < 0x20 || byte == 0x7f;
         });
}

std::string canonical(std::string_view name) {
  std::string text = to_lower(name);
  std::ranges::replace(text, '-', '_');
  return text;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view reason) {
  return fail(Code::invalid, "'" + std::string(text) + "' can't be used: " + std::string(reason));
}

}  // namespace

std::string_view Headers::find(std::string_view name) const {
  const auto line = std::ranges::find_if(
      lines_, [name](const Header& header) { return equal_ignoring_case(header.name, name); });
  return line == lines_.end() ? std::string_view() : std::string_view(line->value);
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(
      lines_, [name](const Header& header) { return equal_ignoring_case(header.name, name); });
}

std::optional<std::string_view> attribute(const Attributes& attributes, std::string_view name) {
  const std::string wanted = canonical(name);
  for (const auto& [key, value] : attributes) {
    if (canonical(key) == wanted) return value;
  }
  return std::nullopt;
}

Result<Attribute> parse_assignment(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    return refuse(text, "an attribute is written name=value");
  }
  const auto name = text.substr(0, equals);
  const auto value = text.substr(equals + 1);
  if (!valid_name(name)) {
    return refuse(text, "an attribute's name has letters, digits, '_', '-' and '.' only");
  }
  if (!valid_utf8(value)) return refuse(name, "its value is not UTF-8 text");
  return Attribute{name, value};
}

Result<Attributes> parse_query(std::string_view text) {
  Attributes parameters;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return refuse(part, "a query is written name=value&name=value");
    }
    const auto name = percent_decode(part.substr(0, equals));
    const auto value = percent_decode(part.substr(equals + 1));
    if (!name || !value) {
      return refuse(part, "a '%' must be followed by two hex digits; write %25 for a percent sign");
    }
    parameters.emplace_back(*name, *value);
  }
  return parameters;
}

std::string write_query(const Attributes& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + '=' + percent_encode(value);
  }
  return text;
}

std::vector<Header> metadata_headers(const Attributes& attributes) {
  std::vector<Header> headers;
  std::string encoded;
  for (const auto& [name, value] : attributes) {
    const bool carried = header_carries(value);
    headers.push_back({std::string(kPrefix) + name, carried ? value : percent_encode(value)});
    if (!carried) encoded += (encoded.empty() ? "" : ", ") + name;
  }
  if (!encoded.empty()) headers.push_back({std::string(kEncoded), std::move(encoded)});
  return headers;
}

bool is_encoded(const Headers& headers, std::string_view name) {
  const std::string wanted = canonical(name);
  for (const auto& line : headers.lines()) {
    if (!equal_ignoring_case(line.name, kEncoded)) continue;
    std::string_view names = line.value;
    while (!names.empty()) {
      const auto comma = names.find(',');
      if (canonical(trim(names.substr(0, comma))) == wanted) return true;
      names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
    }
  }
  return false;
}

Attributes read_metadata(const Headers& headers) {
  Attributes attributes;
  for (const auto& line : headers.lines()) {
    if (line.name.size() <= kPrefix.size() ||
        !equal_ignoring_case(std::string_view(line.name).substr(0, kPrefix.size()), kPrefix)) {
      continue;
    }
    const std::string name = line.name.substr(kPrefix.size());
    std::string value = line.value;
    if (is_encoded(headers, name)) {
      if (auto decoded = percent_decode(value)) value = *decoded;
    }
    attributes.emplace_back(name, std::move(value));
  }
  return attributes;
}

}  // namespace visor::client
