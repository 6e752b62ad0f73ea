// What a signature is about: a request's head, whoever parsed it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::sign {

/// One header line as it was received; the value without the blanks around it.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// A view of a request's head. Owns nothing: what it points to must outlive it.
struct RequestHead {
  std::string_view method;
  std::string_view path;            ///< as received: encoded, not folded, without the query
  std::string_view query;           ///< as received, without the '?'
  std::span<const Header> headers;  ///< in the order of the wire; names may repeat
  bool secure = false;              ///< came over TLS (or from a proxy that vouches for it)

  /// The value of the first header of this name (any case).
  std::optional<std::string_view> header(std::string_view name) const;
  /// The value of a header that may stand there once: `invalid` if it does so more often.
  Result<std::optional<std::string_view>> single(std::string_view name) const;
};

/// What the front end knows about a request's body before it reads it.
struct BodyFacts {
  bool has_body = false;  ///< a length over 0, or chunked
  std::optional<std::uint64_t> content_length;
  /// Hex SHA-256 of the whole body, if the front end read it already because `needs_body_hash`
  /// asked for it.
  std::optional<std::string> sha256;
};

/// The largest body a front end should read ahead to hash it, when its signature needs that.
inline constexpr std::uint64_t kLargestHashedBody = 64 * 1024;

/// Whether a header's name starts with `prefix` (lower case, dashes) for the service: letters of
/// any case, and '_' for '-', since the API takes both.
bool has_prefix(std::string_view name, std::string_view prefix);

/// The one answer to an unknown access key, a disabled account and a wrong signature: who guesses
/// learns nothing.
std::unexpected<Error> refuse(std::string where);

}  // namespace visor::sign
