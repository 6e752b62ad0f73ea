#include "sign/request_head.h"

#include <utility>

#include "base/encoding.h"

namespace visor::sign {

std::optional<std::string_view> RequestHead::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return trim(header.value);
  }
  return std::nullopt;
}

Result<std::optional<std::string_view>> RequestHead::single(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const Header& header : headers) {
    if (!equal_ignoring_case(header.name, name)) continue;
    if (found) {
      return fail(Code::invalid,
                  "The header " + std::string(name) + " may be sent only once in a signed request.",
                  "sign.head");
    }
    found = trim(header.value);
  }
  return found;
}

bool has_prefix(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = '-';
    if (c != prefix[i]) return false;
  }
  return true;
}

std::unexpected<Error> refuse(std::string where) {
  return fail(Code::unauthenticated,
              "The access key is not known here or the signature does not match the request.",
              std::move(where));
}

}  // namespace visor::sign
