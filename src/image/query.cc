#include "image/query.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/random.h"
#include "image/attributes.h"

namespace visor::image {
namespace {

constexpr std::size_t kMaxFactValue = 256;
constexpr char kNumber = 'n';
constexpr char kTime = 't';
constexpr char kText = 'x';
constexpr char kBeyondText = '\xff';

std::string big_endian(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8)
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(value & 0xff);
  return bytes;
}

// IEEE 754 numbers compare like their bits once negative ones are inverted and positive ones get
// the sign bit.
std::string sortable(double number) {
  if (number == 0) number = 0;  // -0 and 0 are one value
  const auto bits = std::bit_cast<std::uint64_t>(number);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  return big_endian((bits & kSign) != 0 ? ~bits : bits | kSign);
}

std::string sortable(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return big_endian(static_cast<std::uint64_t>(seconds) + (std::uint64_t{1} << 63));
}

std::optional<double> as_number(std::string_view text) {
  const bool digit_first =
      !text.empty() && (text[0] == '-' ? text.size() > 1 && text[1] >= '0' && text[1] <= '9'
                                       : text[0] >= '0' && text[0] <= '9');
  if (!digit_first) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::string member_fact(Member::Answer answer, std::string_view account) {
  return std::string(to_string(answer)) + ":" + std::string(account);
}

}  // namespace

Condition one_of(AttributeName attribute, const std::vector<std::string>& values) {
  Condition condition{std::move(attribute), {}, false};
  for (const std::string& value : values) {
    const std::string fact = fact_value(value);
    condition.ranges.push_back({fact, fact});
  }
  return condition;
}

Condition none_of(AttributeName attribute, const std::vector<std::string>& values) {
  Condition condition = one_of(std::move(attribute), values);
  condition.negated = true;
  return condition;
}

Condition at_least(AttributeName attribute, std::uint64_t number) {
  const std::string first = kNumber + sortable(static_cast<double>(number));
  const std::string beyond_numbers(1, kNumber + 1);
  return {std::move(attribute), {{first, beyond_numbers}}, false};
}

Condition at_most(AttributeName attribute, std::uint64_t number) {
  // Behind the bytes of a number comes its text, which begins with no such byte.
  const std::string last = kNumber + sortable(static_cast<double>(number)) + kBeyondText;
  return {std::move(attribute), {{std::string(1, kNumber), last}}, false};
}

Condition in_time(AttributeName attribute, TimeOrder order, Time time) {
  const std::string first = kTime + sortable(time);
  const std::string last = first + kBeyondText;
  const std::string earliest(1, kTime);
  const std::string beyond_times(1, kTime + 1);
  switch (order) {
    case TimeOrder::before:
      return {std::move(attribute), {{earliest, first}}, false};
    case TimeOrder::until:
      return {std::move(attribute), {{earliest, last}}, false};
    case TimeOrder::at:
      return {std::move(attribute), {{first, last}}, false};
    case TimeOrder::from:
      return {std::move(attribute), {{first, beyond_times}}, false};
    case TimeOrder::after:
      break;
  }
  return {std::move(attribute), {{last, beyond_times}}, false};
}

std::string fact_name(const AttributeName& attribute) {
  return attribute.extra ? "." + attribute.name : attribute.name;
}

std::string fact_value(std::string_view text) {
  std::string value;
  if (const auto number = as_number(text)) {
    value = kNumber + sortable(*number);
  } else if (const auto time = parse_visor_time(text)) {
    value = kTime + sortable(*time);
  } else {
    value = kText;
  }
  value += text;
  if (value.size() > kMaxFactValue) {
    Digester digester(DigestAlgorithm::sha256);
    digester.update(text);
    const auto digest = digester.finish();
    value.resize(kMaxFactValue - digest.size());
    value.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  return value;
}

std::vector<std::pair<std::string, std::string>> facts_of(const Image& image) {
  static constexpr std::string_view kCore[] = {
      "id",        "owner", "name",      "architecture", "access",     "type",       "format",
      "container", "store", "kernel",    "ramdisk",      "kept",       "hidden",     "min_disk",
      "min_ram",   "state", "lifecycle", "phase",        "location",   "size",       "virtual_size",
      "md5",       "sha1",  "sha256",    "sha512",       "created_at", "updated_at", "uploaded_at"};
  // Images lack these for a while, or some of them do: an empty value keeps them in the index that
  // lists are sorted by, where looking for the few that have none would mean looking at all.
  static constexpr std::string_view kSorted[] = {"type", "format", "size", "uploaded_at"};
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto name : kCore) {
    const std::string text = core_text(image, name);
    if (!text.empty()) {
      facts.emplace_back(name, fact_value(text));
    } else if (std::find(std::begin(kSorted), std::end(kSorted), name) != std::end(kSorted)) {
      facts.emplace_back(name, std::string());
    }
  }
  for (const auto& [name, value] : image.extra)
    facts.emplace_back(fact_name({name, true}), fact_value(value));
  for (const std::string& tag : image.tags) facts.emplace_back("tags", fact_value(tag));
  facts.emplace_back("@access", account_value(image.owner));
  if (image.access == Access::everyone) facts.emplace_back("@access", "everyone");
  if (image.access == Access::community) facts.emplace_back("@access", "community");
  if (image.access == Access::members) {
    for (const auto& [account, member] : image.members)
      facts.emplace_back("@access", member_fact(member.answer, account));
  }
  return facts;
}

std::string account_value(std::string_view account) { return "account:" + std::string(account); }

std::vector<std::string> access_values(std::string_view account, const Query& query) {
  const auto asked = [&query](Access access) { return !query.access || *query.access == access; };
  std::vector<std::string> values;
  if (asked(Access::everyone)) values.emplace_back("everyone");
  if (query.access == Access::community || (query.community && !query.access))
    values.emplace_back("community");
  if (account.empty()) return values;
  values.push_back(account_value(account));
  if (!asked(Access::members)) return values;
  for (const Member::Answer answer : query.answers) values.push_back(member_fact(answer, account));
  return values;
}

std::string write_marker(const Standing& standing, std::string_view id) {
  return to_base64url(big_endian(standing.place) + standing.value) + "." + std::string(id);
}

Result<Marker> read_marker(std::string_view text) {
  if (is_uuid(text)) return Marker{std::nullopt, std::string(text)};
  const auto dot = text.find('.');
  if (dot != std::string_view::npos && is_uuid(text.substr(dot + 1))) {
    const auto bytes = from_base64url(text.substr(0, dot));
    constexpr std::size_t kPlace = sizeof(std::uint64_t);
    if (bytes && bytes->size() >= kPlace && bytes->size() <= kPlace + kMaxFactValue) {
      Standing standing{bytes->substr(kPlace), 0};
      for (const char byte : bytes->substr(0, kPlace)) {
        standing.place = standing.place << 8 | static_cast<std::uint8_t>(byte);
      }
      return Marker{std::move(standing), std::string(text.substr(dot + 1))};
    }
  }
  return fail(
      Code::invalid,
      "the marker is not one that a page gave; take it from 'next', or the id of the last image");
}

}  // namespace visor::image
