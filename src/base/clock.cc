#include "base/clock.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "base/encoding.h"

namespace visor {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongWeekdays = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

class SystemClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

struct Fields {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 0;
};

Fields split(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(std::chrono::weekday(day).c_encoding())};
}

/// A second of 60 is a leap second and counts as the first of the next minute.
std::optional<Time> join(const Fields& fields, std::chrono::minutes zone) {
  const std::chrono::year_month_day date{std::chrono::year(fields.year),
                                         std::chrono::month(static_cast<unsigned>(fields.month)),
                                         std::chrono::day(static_cast<unsigned>(fields.day))};
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) {
    return std::nullopt;
  }
  const auto local = std::chrono::sys_days(date) + std::chrono::hours(fields.hour) +
                     std::chrono::minutes(fields.minute) + std::chrono::seconds(fields.second);
  return Time(local - zone);
}

/// Reads a text from left to right; every step says whether it found what it was asked for.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool any_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool blanks() {
    const auto before = rest_.size();
    while (any_of(" \t")) {
    }
    return rest_.size() != before;
  }

  /// A number of `least` to `most` digits.
  bool number(std::size_t least, std::size_t most, int& value) {
    std::size_t count = 0;
    int sum = 0;
    while (count < most && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
      sum = sum * 10 + (rest_[count] - '0');
      ++count;
    }
    if (count < least) return false;
    rest_.remove_prefix(count);
    value = sum;
    return true;
  }

  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, int& index) {
    for (std::size_t i = 0; i < N; ++i) {
      if (equal_ignoring_case(rest_.substr(0, names[i].size()), names[i])) {
        rest_.remove_prefix(names[i].size());
        index = static_cast<int>(i);
        return true;
      }
    }
    return false;
  }

  bool month(int& value) {
    if (!name(kMonths, value)) return false;
    ++value;
    return true;
  }

  bool time_of_day(Fields& fields) {
    return number(2, 2, fields.hour) && literal(":") && number(2, 2, fields.minute) &&
           literal(":") && number(2, 2, fields.second);
  }

  /// "+0100", with `separator` between hours and minutes.
  bool offset(std::string_view separator, std::chrono::minutes& zone) {
    const bool minus = rest_.starts_with('-');
    int hours = 0;
    int minutes = 0;
    if (!any_of("+-") || !number(2, 2, hours) || !literal(separator) || !number(2, 2, minutes) ||
        hours > 23 || minutes > 59) {
      return false;
    }
    zone = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (minus) zone = -zone;
    return true;
  }

  /// Digits of a second's fraction; those after the sixth don't count.
  bool fraction(std::chrono::microseconds& value) {
    int64_t micros = 0;
    int64_t unit = 100000;
    std::size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
      micros += (rest_[count] - '0') * unit;
      unit /= 10;
    }
    rest_.remove_prefix(count);
    value = std::chrono::microseconds(micros);
    return count > 0;
  }

 private:
  std::string_view rest_;
};

template <class... Arguments>
std::string print(const char* form, Arguments... arguments) {
  std::array<char, 80> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), form, arguments...);
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

/// RFC 9110, 5.6.7: a two-digit year that seems more than 50 years ahead lies in the past.
int full_year(int two_digits) {
  const int current = split(Clock::system().now()).year;
  const int guess = current - current % 100 + two_digits;
  return guess > current + 50 ? guess - 100 : guess;
}

bool named_zone(Scanner& scanner, std::chrono::minutes& zone) {
  // RFC 2822, 4.3: the obsolete names that have one meaning.
  static constexpr std::array<std::string_view, 11> kNames = {
      "GMT", "UTC", "UT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"};
  static constexpr std::array<int, 11> kHours = {0, 0, 0, -5, -4, -6, -5, -7, -6, -8, -7};
  int index = 0;
  if (!scanner.name(kNames, index)) return false;
  zone = std::chrono::hours(kHours[static_cast<std::size_t>(index)]);
  return true;
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<Time> parse_asctime(Scanner scanner) {
  Fields fields;
  if (!scanner.name(kWeekdays, fields.weekday) || !scanner.literal(" ") ||
      !scanner.month(fields.month) || !scanner.blanks() || !scanner.number(1, 2, fields.day) ||
      !scanner.literal(" ") || !scanner.time_of_day(fields) || !scanner.literal(" ") ||
      !scanner.number(4, 4, fields.year) || !scanner.done()) {
    return std::nullopt;
  }
  return join(fields, std::chrono::minutes(0));
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
std::optional<Time> parse_rfc850(Scanner scanner) {
  Fields fields;
  if (!scanner.name(kLongWeekdays, fields.weekday) || !scanner.literal(", ") ||
      !scanner.number(2, 2, fields.day) || !scanner.literal("-") || !scanner.month(fields.month) ||
      !scanner.literal("-") || !scanner.number(2, 2, fields.year) || !scanner.literal(" ") ||
      !scanner.time_of_day(fields) || !scanner.literal(" GMT") || !scanner.done()) {
    return std::nullopt;
  }
  fields.year = full_year(fields.year);
  return join(fields, std::chrono::minutes(0));
}

/// `Fri, 15 Jun 2012 21:05:20 +0100`; RFC 2822 makes the weekday and the seconds optional.
std::optional<Time> parse_rfc2822(Scanner scanner) {
  Fields fields;
  if (scanner.name(kWeekdays, fields.weekday)) {
    if (!scanner.literal(",")) return std::nullopt;
    scanner.blanks();
  }
  if (!scanner.number(1, 2, fields.day) || !scanner.blanks() || !scanner.month(fields.month) ||
      !scanner.blanks() || !scanner.number(4, 4, fields.year) || !scanner.blanks() ||
      !scanner.number(2, 2, fields.hour) || !scanner.literal(":") ||
      !scanner.number(2, 2, fields.minute)) {
    return std::nullopt;
  }
  if (scanner.literal(":") && !scanner.number(2, 2, fields.second)) return std::nullopt;
  std::chrono::minutes zone(0);
  if (!scanner.blanks() || !(scanner.offset("", zone) || named_zone(scanner, zone)) ||
      !scanner.done()) {
    return std::nullopt;
  }
  return join(fields, zone);
}

}  // namespace

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

std::string format_visor_time(Time time) {
  const Fields f = split(time);
  return print("%04d-%02d-%02d %02d:%02d:%02d +0000", f.year, f.month, f.day, f.hour, f.minute,
               f.second);
}

std::optional<Time> parse_visor_time(std::string_view text) {
  Scanner scanner(text);
  Fields fields;
  std::chrono::minutes zone(0);
  if (!scanner.number(4, 4, fields.year) || !scanner.literal("-") ||
      !scanner.number(2, 2, fields.month) || !scanner.literal("-") ||
      !scanner.number(2, 2, fields.day) || !scanner.literal(" ") || !scanner.time_of_day(fields) ||
      !scanner.literal(" ") || !scanner.offset("", zone) || !scanner.done()) {
    return std::nullopt;
  }
  return join(fields, zone);
}

std::string format_http_time(Time time) {
  const Fields f = split(time);
  return print("%s, %02d %s %04d %02d:%02d:%02d GMT",
               kWeekdays[static_cast<std::size_t>(f.weekday)].data(), f.day,
               kMonths[static_cast<std::size_t>(f.month - 1)].data(), f.year, f.hour, f.minute,
               f.second);
}

std::optional<Time> parse_http_time(std::string_view text) {
  const Scanner scanner(trim(text));
  if (auto time = parse_rfc2822(scanner)) return time;
  if (auto time = parse_rfc850(scanner)) return time;
  return parse_asctime(scanner);
}

std::string format_iso_time(Time time) {
  const Fields f = split(time);
  return print("%04d-%02d-%02dT%02d:%02d:%02dZ", f.year, f.month, f.day, f.hour, f.minute,
               f.second);
}

std::optional<Time> parse_iso_time(std::string_view text) {
  Scanner scanner(text);
  Fields fields;
  std::chrono::minutes zone(0);
  std::chrono::microseconds fraction(0);
  if (!scanner.number(4, 4, fields.year) || !scanner.literal("-") ||
      !scanner.number(2, 2, fields.month) || !scanner.literal("-") ||
      !scanner.number(2, 2, fields.day) || !scanner.any_of("Tt") || !scanner.time_of_day(fields)) {
    return std::nullopt;
  }
  if (scanner.literal(".") && !scanner.fraction(fraction)) return std::nullopt;
  if (!(scanner.any_of("Zz") || scanner.offset(":", zone)) || !scanner.done()) return std::nullopt;
  const auto time = join(fields, zone);
  if (!time) return std::nullopt;
  return *time + fraction;
}

std::string format_basic_time(Time time) {
  const Fields f = split(time);
  return print("%04d%02d%02dT%02d%02d%02dZ", f.year, f.month, f.day, f.hour, f.minute, f.second);
}

std::optional<Time> parse_basic_time(std::string_view text) {
  Scanner scanner(text);
  Fields fields;
  if (!scanner.number(4, 4, fields.year) || !scanner.number(2, 2, fields.month) ||
      !scanner.number(2, 2, fields.day) || !scanner.literal("T") ||
      !scanner.number(2, 2, fields.hour) || !scanner.number(2, 2, fields.minute) ||
      !scanner.number(2, 2, fields.second) || !scanner.literal("Z") || !scanner.done()) {
    return std::nullopt;
  }
  return join(fields, std::chrono::minutes(0));
}

}  // namespace visor
