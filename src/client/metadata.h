// Attributes of an image as texts, and how they travel in headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace visor::client {

/// One header line.
struct Header {
  std::string name;
  std::string value;
};

/// The header lines of an answer, in the order of the wire.
class Headers {
 public:
  void add(std::string name, std::string value) {
    lines_.push_back({std::move(name), std::move(value)});
  }
  void clear() { lines_.clear(); }
  const std::vector<Header>& lines() const { return lines_; }
  /// The value of the first line of this name, in any case; empty if there is none.
  std::string_view find(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  std::vector<Header> lines_;
};

/// An attribute and its value.
using Attribute = std::pair<std::string, std::string>;
using Attributes = std::vector<Attribute>;

/// The value of an attribute; nothing if it is undefined. Case, and '-' for '_', make no
/// difference, as in the API.
std::optional<std::string_view> attribute(const Attributes& attributes, std::string_view name);

/// Reads "name=value"; the value may be empty (which undefines the attribute) and hold more '='.
/// Errors: `invalid` for a name that is none and a value that is no UTF-8.
Result<Attribute> parse_assignment(std::string_view text);

/// Reads "name=value&name=value" as a person types it: nothing is decoded but %XX, '+' stays.
/// Errors: `invalid`.
Result<Attributes> parse_query(std::string_view text);

/// The query string for filters, each name and value percent-encoded.
std::string write_query(const Attributes& parameters);

/// The request headers for attributes: `x-image-meta-<name>: <value>`. Values are raw, but for
/// those that a header can't carry (line breaks, control characters, blanks at an end): they are
/// percent-encoded and named in x-visor-encoded.
std::vector<Header> metadata_headers(const Attributes& attributes);

/// Whether an answer's x-visor-encoded names this attribute (or header).
bool is_encoded(const Headers& headers, std::string_view name);

/// The attributes in an answer's headers; those named in x-visor-encoded are decoded.
Attributes read_metadata(const Headers& headers);

}  // namespace visor::client
