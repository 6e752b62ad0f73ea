// For fuzzers of what reads a request's fields: a head out of lines "name: value". The codec lets
// no other names and values through, and has a fuzzer of its own.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "http/codec.h"
#include "http/message.h"

namespace visor::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// `text` outlives `head`. Takes at most 256 lines, as the codec does.
inline void head_of_lines(std::string_view text, http::RequestHead& head) {
  while (!text.empty() && head.fields.size() < 256) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    const http::Field field{line.substr(0, colon),
                            trim(line.substr(std::min(colon + 1, line.size())))};
    if (http::is_token(field.name) && http::is_field_value(field.value)) {
      head.fields.push_back(field);
    }
  }
}

}  // namespace visor::fuzz
