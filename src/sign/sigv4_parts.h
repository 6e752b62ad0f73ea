// Private to this folder: a signature's parts, as texts, whichever way they came.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::sign {

/// What the names of a presigned URL's own parameters begin with.
inline constexpr std::string_view kParameterPrefix = "X-Amz-";

/// `unauthenticated`, with what is wrong with the signature's form.
std::unexpected<Error> malformed(std::string reason);

/// Calls `each` with the pieces between the separators; false as soon as a call says so.
template <class Each>
bool each_piece(std::string_view text, char separator, Each each) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (!each(text.substr(start, end - start))) return false;
    start = end + 1;
  }
  return true;
}

/// What both ways of sending a signature have in common. The texts lie in what was parsed, or in
/// the room that was given.
struct Parts {
  std::optional<std::string_view> credential, signed_headers, signature;
  std::optional<std::string_view> algorithm, date, expires, content_sha256;  // presigned only
  bool token = false;
};

Result<Parts> parse_authorization(std::string_view authorization);
/// `room` takes what had to be decoded; it lives as long as the parts and is left alone.
Result<Parts> parse_query(std::string_view query, std::string& room);

}  // namespace visor::sign
