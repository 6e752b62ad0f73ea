// Metrics: numbers about the running process that a monitoring system collects now and then.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::metrics {

namespace internal {

inline constexpr std::size_t kCacheLine = 64;
/// Threads write to cells of their own, as far as there are enough, so that none waits for another
/// one's cache line.
inline constexpr std::size_t kCells = 16;

std::size_t assign_cell() noexcept;
inline constinit thread_local std::size_t own_cell = kCells;

inline std::size_t cell() noexcept {
  if (own_cell == kCells) [[unlikely]] {
    own_cell = assign_cell();
  }
  return own_cell;
}

}  // namespace internal

/// A number that only grows. Adding takes a few nanoseconds, no lock and no memory. Thread-safe.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(std::uint64_t count = 1) noexcept {
    cells_[internal::cell()].count.fetch_add(count, std::memory_order_relaxed);
  }
  /// All that was added by what happened before.
  std::uint64_t value() const noexcept;

 private:
  struct alignas(internal::kCacheLine) Cell {
    std::atomic<std::uint64_t> count = 0;
  };
  std::array<Cell, internal::kCells> cells_;
};

/// A number that goes up and down. Thread-safe, without a lock.
class Gauge {
 public:
  Gauge() = default;
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double difference) noexcept { value_.fetch_add(difference, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// Counts one more in a gauge for as long as it lives.
class UnderWay {
 public:
  explicit UnderWay(Gauge& gauge) noexcept : gauge_(gauge) { gauge_.add(1); }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  ~UnderWay() { gauge_.add(-1); }

 private:
  Gauge& gauge_;
};

/// What a histogram counts: plain numbers, or durations, which are kept as nanoseconds and shown as
/// seconds.
enum class Unit { number, duration };

/// How often a value fell into which bucket. Observing takes a few nanoseconds, no lock and no
/// memory. Thread-safe.
class Histogram {
 public:
  /// `bounds`: the upper ends of the buckets, each inclusive, in ascending order; one bucket for
  /// all that is larger is added. Of durations: in nanoseconds.
  Histogram(Unit unit, std::span<const std::uint64_t> bounds);
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  /// Counts a value; of a duration: its nanoseconds.
  void observe(std::uint64_t value) noexcept;
  /// Counts a duration; one below zero is zero.
  void observe(std::chrono::nanoseconds duration) noexcept;

  struct Counts {
    std::vector<std::uint64_t> buckets;  ///< one for each bound, and that beyond; not cumulated
    std::uint64_t sum = 0;
  };
  Counts counts() const;

  Unit unit() const { return unit_; }
  const std::vector<std::uint64_t>& bounds() const { return bounds_; }

 private:
  static constexpr std::size_t kNumbersInLine = internal::kCacheLine / sizeof(std::uint64_t);
  struct alignas(internal::kCacheLine) Line {
    std::array<std::atomic<std::uint64_t>, kNumbersInLine> numbers{};
  };

  std::atomic<std::uint64_t>& number(std::size_t cell, std::size_t index) noexcept {
    return lines_[cell * lines_in_cell_ + index / kNumbersInLine].numbers[index % kNumbersInLine];
  }

  const Unit unit_;
  const std::vector<std::uint64_t> bounds_;
  const std::size_t lines_in_cell_;
  std::vector<Line> lines_;  ///< of each cell: the sum, then its buckets
};

/// Bounds for calls that usually take from 50 microseconds to 10 seconds.
std::span<const std::uint64_t> call_bounds();
/// Bounds for requests, some of which carry an image: from 100 microseconds to an hour.
std::span<const std::uint64_t> request_bounds();
/// Bounds for small numbers: the powers of two up to 256.
std::span<const std::uint64_t> number_bounds();

/// Label names and values that tell the series of one name apart. Few values by nature: never an
/// id, an account or a path.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Metrics by name and labels. Asking for one that exists gives the same one. Metrics live as long
/// as their registry. Thread-safe; asking takes a lock, so it is done once, ahead of the work.
///
/// Names consist of [a-zA-Z0-9_:], labels' of [a-zA-Z0-9_], not beginning with a digit; what breaks
/// this, or asks for a known name as another kind, is logged and gets a metric that nobody sees.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// `name` ends in _total.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  /// A number that only grows and that somebody else keeps: set before it is collected.
  Gauge& total(std::string_view name, std::string_view help, Labels labels = {});
  /// The unit and bounds of the first one of a name hold for all of its series. The name of one of
  /// durations ends in _seconds.
  Histogram& histogram(std::string_view name, std::string_view help, Unit unit,
                       std::span<const std::uint64_t> bounds, Labels labels = {});

  /// All of it in the text format 0.0.4 of Prometheus ("Exposition formats" in its documentation),
  /// sorted by name and labels.
  std::string text() const;

  /// That of the process; never destroyed.
  static Registry& process();

 private:
  enum class Kind { counter, gauge, total, histogram };
  struct Series;
  struct Family;

  Series& series(Kind kind, std::string_view name, std::string_view help, Labels labels);
  static void append(std::string& out, const std::string& name, const Family& family);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
  std::vector<std::unique_ptr<Series>> unseen_;
};

/// What the text format is called in Content-Type.
inline constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace visor::metrics
