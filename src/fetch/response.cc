#include "fetch/response.h"

#include "base/encoding.h"
#include "base/units.h"

namespace visor::fetch {
namespace {

/// What follows "bytes " in Content-Range.
std::optional<std::string_view> bytes_of(const ResponseHead& head) {
  constexpr std::string_view kUnit = "bytes ";
  const auto value = head.field("content-range");
  if (!value || !equal_ignoring_case(value->substr(0, kUnit.size()), kUnit)) return std::nullopt;
  return trim(value->substr(kUnit.size()));
}

}  // namespace

std::optional<std::string_view> ResponseHead::field(std::string_view name) const {
  for (const auto& [field_name, value] : fields) {
    if (field_name == name) return value;
  }
  return std::nullopt;
}

std::optional<ContentRange> ResponseHead::content_range() const {
  const auto text = bytes_of(*this);
  if (!text) return std::nullopt;
  const auto dash = text->find('-');
  const auto slash = text->find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = parse_unsigned(text->substr(0, dash));
  const auto last = parse_unsigned(text->substr(dash + 1, slash - dash - 1));
  const auto total = parse_unsigned(text->substr(slash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  if (!total && text->substr(slash + 1) != "*") return std::nullopt;
  if (total && *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, total};
}

std::optional<std::uint64_t> ResponseHead::unsatisfied_total() const {
  const auto text = bytes_of(*this);
  if (!text || !text->starts_with("*/")) return std::nullopt;
  return parse_unsigned(text->substr(2));
}

}  // namespace visor::fetch
