// Words, times, sizes and encodings as people and programs write them: whatever is read can be
// written and read again.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/units.h"
#include "front/native/native_words.h"
#include "head_of_lines.h"
#include "image/attributes.h"

namespace {

using namespace visor;
using namespace visor::front::native;
using fuzz::require;

// Seconds are all that three of the forms can tell.
void check_times(std::string_view text) {
  const auto same_second = [](Time left, Time right) {
    using std::chrono::floor;
    using std::chrono::seconds;
    return floor<seconds>(left) == floor<seconds>(right);
  };
  // Only years of four digits can be written; a zone may lead out of them.
  const auto writable = [](Time time) {
    return time >= Time(std::chrono::sys_days(std::chrono::year(0) / 1 / 1)) &&
           time < Time(std::chrono::sys_days(std::chrono::year(10000) / 1 / 1));
  };
  if (const auto time = parse_visor_time(text); time && writable(*time)) {
    const auto again = parse_visor_time(format_visor_time(*time));
    require(again && same_second(*time, *again));
  }
  if (const auto time = parse_http_time(text); time && writable(*time)) {
    const auto again = parse_http_time(format_http_time(*time));
    require(again && same_second(*time, *again));
  }
  if (const auto time = parse_iso_time(text); time && writable(*time)) {
    const auto again = parse_iso_time(format_iso_time(*time));
    require(again && same_second(*time, *again));
  }
  if (const auto time = parse_basic_time(text); time && writable(*time)) {
    const auto again = parse_basic_time(format_basic_time(*time));
    require(again && same_second(*time, *again));
  }
}

void check_encodings(std::string_view text) {
  require(from_hex(to_hex(text)) == text);
  require(from_base64(to_base64(text)) == text);
  require(from_base64url(to_base64url(text)) == text);
  require(percent_decode(percent_encode(text)) == text);
  if (const auto bytes = from_base64(text)) require(from_base64(to_base64(*bytes)) == *bytes);
  if (const auto bytes = from_base64url(text))
    require(from_base64url(to_base64url(*bytes)) == bytes);
  if (const auto bytes = from_hex(text)) require(to_hex(*bytes) == to_lower(text));
  std::string_view rest = text;
  bool valid = true;
  while (!rest.empty()) {
    const Utf8Character character = first_utf8_character(rest);
    require(character.length >= 1 && character.length <= rest.size());
    valid = valid && character.valid;
    rest.remove_prefix(character.length);
  }
  require(valid == valid_utf8(text));
}

void check_units(std::string_view text) {
  if (const auto bytes = parse_size(text)) {
    require(*bytes <= std::uint64_t{INT64_MAX});
    require(parse_size(format_size(*bytes)).has_value());
    require(parse_size(std::to_string(*bytes)) == bytes);
  }
  if (const auto duration = parse_duration(text)) {
    require(duration->count() >= 0 && !format_duration(*duration).empty());
  }
  if (const auto number = parse_unsigned(text)) {
    require(parse_unsigned(std::to_string(*number)) == number);
  }
}

void check_words(std::string_view name, std::string_view value) {
  const auto filter = native_filter(name, value, "http://a");
  const auto sort = native_sort(name);
  require(!filter || !name.empty());
  // What can be filtered can be sorted, under one name.
  require(filter.has_value() == sort.has_value());
  if (filter) {
    require(filter->attribute.extra == sort->extra && filter->attribute.name == sort->name);
  }
  if (const auto edit = native_edit(name, std::string(value))) {
    require(edit->extra == !is_native_attribute(edit->name));
    require(edit->extra || edit->name == "location" || image::is_settable(edit->name));
  }
  if (const auto reads = reads_filter(name, value)) {
    require(!fits(*reads, {}) || reads->value == "0");
    require(!filter);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_times(text);
  check_encodings(text);
  check_units(text);
  const std::size_t equals = std::min(text.find('='), text.size());
  check_words(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  return 0;
}
