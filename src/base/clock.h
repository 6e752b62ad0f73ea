// Time as the domain sees it, replaceable in tests.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor {

/// Wall-clock time with microseconds, always UTC.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Source of wall-clock time. Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;

  /// The system's clock; lives as long as the process.
  static const Clock& system();
};

/// A clock that tests set by hand.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time start) : micros_(start.time_since_epoch().count()) {}
  Time now() const override { return Time(std::chrono::microseconds(micros_.load())); }
  void advance(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<int64_t> micros_;
};

/// The native API's form: `2012-06-15 21:05:20 +0000`.
std::string format_visor_time(Time time);
/// Reads the same form with any numeric zone. Nothing else is accepted.
std::optional<Time> parse_visor_time(std::string_view text);

/// `Fri, 15 Jun 2012 21:05:20 GMT` (RFC 9110, 5.6.7, the preferred form).
std::string format_http_time(Time time);
/// Any of the three forms that RFC 9110 asks a recipient to accept, and RFC 2822 zones (+0100).
std::optional<Time> parse_http_time(std::string_view text);

/// `2012-06-15T21:05:20Z` (RFC 3339).
std::string format_iso_time(Time time);
std::optional<Time> parse_iso_time(std::string_view text);

/// `20120615T210520Z`, as AWS Signature Version 4 writes it.
std::string format_basic_time(Time time);
std::optional<Time> parse_basic_time(std::string_view text);

}  // namespace visor
