// What a server answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/byte_source.h"

namespace visor::fetch {

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;  ///< unknown if the server wrote '*'
};

struct ResponseHead {
  int status = 0;
  std::string url;                                          ///< of the response, after redirects
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
  /// Of the body; after HEAD, of the body that GET would have. Nothing if the server doesn't say.
  std::optional<std::uint64_t> content_length;

  /// The first field of this name (lower case).
  std::optional<std::string_view> field(std::string_view name) const;
  /// Content-Range of a 206 (RFC 9110, 14.4); nothing if it is missing or malformed.
  std::optional<ContentRange> content_range() const;
  /// The total of a 416's Content-Range.
  std::optional<std::uint64_t> unsatisfied_total() const;
};

/// The body may be left unread: destroying it ends the transfer. It never ends early in silence: a
/// body that is shorter than promised is an error.
struct Response {
  ResponseHead head;
  std::unique_ptr<async::ByteSource> body;
};

}  // namespace visor::fetch
