#include "base/units.h"

#include <array>
#include <cstdio>
#include <limits>

#include "base/encoding.h"

namespace visor {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::string_view kPrefixes = "kmgtpe";
constexpr std::array<std::string_view, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && digit(text[count])) ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// The number of bytes a unit stands for, or nothing. The empty unit is one byte.
std::optional<std::uint64_t> unit_size(std::string_view unit) {
  const std::string name = to_lower(unit);
  if (name.empty() || name == "b") return 1;
  const auto power = kPrefixes.find(name.front());
  if (power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(name).substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  const std::uint64_t base = rest == "b" ? 1000 : 1024;
  std::uint64_t size = 1;
  for (std::size_t i = 0; i <= power; ++i) size *= base;
  return size;
}

std::string two_parts(std::int64_t first, const char* first_unit, std::int64_t second,
                      const char* second_unit) {
  std::array<char, 64> buffer{};
  const int length =
      std::snprintf(buffer.data(), buffer.size(), "%lld%s %02lld%s", static_cast<long long>(first),
                    first_unit, static_cast<long long>(second), second_unit);
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto whole = parse_unsigned(take_digits(text));
  if (!whole) return std::nullopt;
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  }
  if (!text.empty() && text.front() == ' ' && trim(text).empty()) return std::nullopt;
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto unit = unit_size(text);
  if (!unit) return std::nullopt;
  // A part of a byte is nothing that can be stored.
  if (*unit == 1 && !fraction.empty()) return std::nullopt;

  Wide bytes = static_cast<Wide>(*whole) * *unit;
  if (!fraction.empty()) {
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    bytes += static_cast<Wide>(*parse_unsigned(fraction)) * *unit / scale;
  }
  if (bytes > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string format_size(std::uint64_t bytes) {
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >> (10 * unit) >= 1024) ++unit;
  const Wide size = static_cast<Wide>(1) << (10 * unit);
  Wide tenths = (static_cast<Wide>(bytes) * 10 + size / 2) / size;
  if (tenths >= 1000) {
    const Wide whole = (static_cast<Wide>(bytes) + size / 2) / size;
    tenths = whole * 10;
    if (whole >= 1024 && unit + 1 < kUnits.size()) {
      tenths = 10;
      ++unit;
    }
  }
  std::string text = std::to_string(static_cast<std::uint64_t>(tenths / 10));
  if (tenths % 10 != 0) text += "." + std::to_string(static_cast<std::uint64_t>(tenths % 10));
  return text + " " + std::string(kUnits[unit]);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto count = parse_unsigned(take_digits(text));
  if (!count) return std::nullopt;
  std::uint64_t unit = 0;
  if (text == "ms") unit = 1;
  if (text == "s") unit = 1000;
  if (text == "m") unit = 60 * 1000;
  if (text == "h") unit = 60 * 60 * 1000;
  if (text == "d") unit = 24 * 60 * 60 * 1000;
  if (unit == 0) return std::nullopt;
  const Wide total = static_cast<Wide>(*count) * unit;
  if (total > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t total = duration.count();
  if (total == std::numeric_limits<std::int64_t>::min()) ++total;
  if (total < 0) return "-" + format_duration(std::chrono::milliseconds(-total));
  if (total < 1000) return std::to_string(total) + "ms";
  const std::int64_t seconds = total / 1000;
  if (seconds < 60) {
    const std::int64_t tenths = total % 1000 / 100;
    return std::to_string(seconds) + (tenths == 0 ? "" : "." + std::to_string(tenths)) + "s";
  }
  const std::int64_t minutes = seconds / 60;
  if (minutes < 60) return two_parts(minutes, "m", seconds % 60, "s");
  const std::int64_t hours = minutes / 60;
  if (hours < 24) return two_parts(hours, "h", minutes % 60, "m");
  return two_parts(hours / 24, "d", hours % 24, "h");
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!digit(c)) return std::nullopt;
    const auto next = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - next) / 10) return std::nullopt;
    value = value * 10 + next;
  }
  return value;
}

}  // namespace visor
