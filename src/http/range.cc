#include "http/range.h"

#include <algorithm>
#include <chrono>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::http {
namespace {

constexpr std::string_view kUnit = "bytes=";

// Positions beyond 64 bits are as good as the largest: both lie behind every end.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  if (text.size() > 19) return UINT64_MAX;
  return parse_unsigned(text);
}

bool is_etag_character(unsigned char c) { return c == 0x21 || (c >= 0x23 && c != 0x7f); }

struct EntityTag {
  std::string_view quoted;
  bool weak = false;
};

// Takes the next tag off a list; nothing if there is none or the list is malformed.
std::optional<EntityTag> take_etag(std::string_view& list) {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
  EntityTag tag;
  std::string_view rest = list;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return std::nullopt;
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.quoted = rest.substr(0, end + 1);
  for (const char c : tag.quoted.substr(1, end - 1)) {
    if (!is_etag_character(static_cast<unsigned char>(c))) return std::nullopt;
  }
  list = rest.substr(end + 1);
  return tag;
}

EntityTag split_weakness(std::string_view etag) {
  if (etag.starts_with("W/")) return {etag.substr(2), true};
  return {etag, false};
}

// Whether one of the lines named `name` has the tag (RFC 9110, 8.8.3.2), or "*" and there is
// something.
bool any_matches(const RequestHead& head, std::string_view name, const Validators& validators,
                 bool strong) {
  const EntityTag own = split_weakness(validators.etag);
  for (const Field& field : head.fields) {
    if (!equal_ignoring_case(field.name, name)) continue;
    if (field.value == "*") return true;
    std::string_view list = field.value;
    while (const auto tag = take_etag(list)) {
      if (strong && (tag->weak || own.weak)) continue;
      if (!own.quoted.empty() && tag->quoted == own.quoted) return true;
    }
  }
  return false;
}

std::chrono::sys_seconds in_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace

RangeOutcome resolve_range(std::optional<std::string_view> range, std::uint64_t size,
                           ResolvedRange& resolved) {
  resolved = {0, size};
  if (!range) return RangeOutcome::whole;
  const std::string_view text = trim(*range);
  if (text.size() < kUnit.size() || !equal_ignoring_case(text.substr(0, kUnit.size()), kUnit)) {
    return RangeOutcome::whole;
  }
  const std::string_view interval = trim(text.substr(kUnit.size()));
  const std::size_t dash = interval.find('-');
  if (dash == std::string_view::npos || interval.contains(',')) return RangeOutcome::whole;
  const std::string_view first_text = interval.substr(0, dash);
  const std::string_view last_text = interval.substr(dash + 1);

  if (first_text.empty()) {
    const auto length = parse_position(last_text);
    if (!length) return RangeOutcome::whole;
    if (*length == 0 || size == 0) return RangeOutcome::unsatisfiable;
    const std::uint64_t cut = std::min(*length, size);
    resolved = {size - cut, cut};
    return RangeOutcome::partial;
  }
  const auto first = parse_position(first_text);
  const auto last = last_text.empty() ? std::optional(UINT64_MAX) : parse_position(last_text);
  if (!first || !last || *last < *first) return RangeOutcome::whole;
  if (*first >= size) return RangeOutcome::unsatisfiable;
  resolved = {*first, std::min(*last, size - 1) - *first + 1};
  return RangeOutcome::partial;
}

std::string content_range(const ResolvedRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" +
         std::to_string(range.offset + range.length - 1) + "/" + std::to_string(size);
}

std::string unsatisfied_content_range(std::uint64_t size) {
  return "bytes */" + std::to_string(size);
}

Condition evaluate_conditions(const RequestHead& head, const Validators& validators) {
  const bool reading = head.method == "GET" || head.method == "HEAD";
  if (head.field("If-Match")) {
    if (!any_matches(head, "If-Match", validators, true)) return Condition::failed;
  } else if (const auto since = head.field("If-Unmodified-Since");
             since && validators.last_modified) {
    const auto limit = parse_http_time(*since);
    if (limit && in_seconds(*validators.last_modified) > in_seconds(*limit))
      return Condition::failed;
  }
  if (head.field("If-None-Match")) {
    if (any_matches(head, "If-None-Match", validators, false)) {
      return reading ? Condition::not_modified : Condition::failed;
    }
  } else if (const auto since = head.field("If-Modified-Since");
             since && reading && validators.last_modified) {
    const auto limit = parse_http_time(*since);
    if (limit && in_seconds(*validators.last_modified) <= in_seconds(*limit)) {
      return Condition::not_modified;
    }
  }
  return Condition::proceed;
}

bool range_applies(const RequestHead& head, const Validators& validators) {
  const auto condition = head.field("If-Range");
  if (!condition) return true;
  if (head.count("If-Range") > 1) return false;
  std::string_view text = trim(*condition);
  if (text.starts_with('"') || text.starts_with("W/")) {
    const auto tag = take_etag(text);
    return tag && !tag->weak && text.empty() && tag->quoted == validators.etag;
  }
  // A date is a strong validator here only if it is exactly the one that was given out.
  const auto date = parse_http_time(text);
  return date && validators.last_modified &&
         in_seconds(*date) == in_seconds(*validators.last_modified);
}

}  // namespace visor::http
