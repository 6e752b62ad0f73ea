#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/log.h"

namespace visor::metrics {
namespace {

constexpr std::uint64_t kMicrosecond = 1'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;

constexpr std::array<std::uint64_t, 17> kCallBounds = {
    50 * kMicrosecond,  100 * kMicrosecond, 250 * kMicrosecond, 500 * kMicrosecond,
    1 * kMillisecond,   2'500'000,          5 * kMillisecond,   10 * kMillisecond,
    25 * kMillisecond,  50 * kMillisecond,  100 * kMillisecond, 250 * kMillisecond,
    500 * kMillisecond, 1 * kSecond,        2'500'000'000,      5 * kSecond,
    10 * kSecond};
constexpr std::array<std::uint64_t, 20> kRequestBounds = {
    100 * kMicrosecond, 250 * kMicrosecond, 500 * kMicrosecond, 1 * kMillisecond,
    2'500'000,          5 * kMillisecond,   10 * kMillisecond,  25 * kMillisecond,
    50 * kMillisecond,  100 * kMillisecond, 250 * kMillisecond, 500 * kMillisecond,
    1 * kSecond,        2'500'000'000,      5 * kSecond,        10 * kSecond,
    60 * kSecond,       300 * kSecond,      900 * kSecond,      3600 * kSecond};
constexpr std::array<std::uint64_t, 9> kNumberBounds = {1, 2, 4, 8, 16, 32, 64, 128, 256};

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool valid_name(std::string_view name, bool label) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  // Both mean something to the collector.
  if (label && (name.starts_with("__") || name == "le")) return false;
  return std::ranges::all_of(name,
                             [label](char c) { return name_character(c) || (c == ':' && !label); });
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quoted)) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}

void append_value(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    append_number(out, value);
  }
}

void append_value(std::string& out, std::uint64_t value, Unit unit) {
  if (unit == Unit::number) return append_number(out, value);
  append_number(out, static_cast<double>(value) / static_cast<double>(kSecond));
}

/// `a="1",b="2"`, sorted by name, so that the order in which labels are named makes no difference.
/// Nothing if a name is wrong or there twice.
std::optional<std::string> label_text(Labels labels) {
  std::vector<std::pair<std::string_view, std::string_view>> sorted(labels);
  std::ranges::sort(sorted);
  std::string text;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = sorted[i];
    if (!valid_name(name, true) || (i > 0 && sorted[i - 1].first == name)) return std::nullopt;
    if (i > 0) text += ',';
    text += name;
    text += "=\"";
    append_escaped(text, value, true);
    text += '"';
  }
  return text;
}

void append_series(std::string& out, std::string_view name, std::string_view labels) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
}

void append_histogram(std::string& out, const std::string& name, const std::string& labels,
                      const Histogram& histogram) {
  const Histogram::Counts counts = histogram.counts();
  std::uint64_t cumulated = 0;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    cumulated += counts.buckets[i];
    std::string bucket = labels;
    bucket += labels.empty() ? "le=\"" : ",le=\"";
    if (i < histogram.bounds().size()) {
      append_value(bucket, histogram.bounds()[i], histogram.unit());
    } else {
      bucket += "+Inf";
    }
    bucket += '"';
    append_series(out, name + "_bucket", bucket);
    append_number(out, cumulated);
    out += '\n';
  }
  append_series(out, name + "_sum", labels);
  append_value(out, counts.sum, histogram.unit());
  out += '\n';
  append_series(out, name + "_count", labels);
  append_number(out, cumulated);
  out += '\n';
}

}  // namespace

namespace internal {

std::size_t assign_cell() noexcept {
  static std::atomic<std::size_t> next = 0;
  return next.fetch_add(1, std::memory_order_relaxed) % kCells;
}

}  // namespace internal

std::span<const std::uint64_t> call_bounds() { return kCallBounds; }
std::span<const std::uint64_t> request_bounds() { return kRequestBounds; }
std::span<const std::uint64_t> number_bounds() { return kNumberBounds; }

std::uint64_t Counter::value() const noexcept {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.count.load(std::memory_order_relaxed);
  return sum;
}

Histogram::Histogram(Unit unit, std::span<const std::uint64_t> bounds)
    : unit_(unit),
      bounds_(bounds.begin(), bounds.end()),
      lines_in_cell_((bounds_.size() + 2 + kNumbersInLine - 1) / kNumbersInLine),
      lines_(internal::kCells * lines_in_cell_) {}

void Histogram::observe(std::uint64_t value) noexcept {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  const std::size_t cell = internal::cell();
  const auto bucket = static_cast<std::size_t>(bound - bounds_.begin());
  number(cell, 0).fetch_add(value, std::memory_order_relaxed);
  number(cell, 1 + bucket).fetch_add(1, std::memory_order_relaxed);
}

void Histogram::observe(std::chrono::nanoseconds duration) noexcept {
  observe(static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count())));
}

Histogram::Counts Histogram::counts() const {
  Counts counts;
  counts.buckets.resize(bounds_.size() + 1);
  for (std::size_t cell = 0; cell < internal::kCells; ++cell) {
    const Line* lines = &lines_[cell * lines_in_cell_];
    const auto load = [lines](std::size_t index) {
      return lines[index / kNumbersInLine].numbers[index % kNumbersInLine].load(
          std::memory_order_relaxed);
    };
    counts.sum += load(0);
    for (std::size_t i = 0; i < counts.buckets.size(); ++i) counts.buckets[i] += load(1 + i);
  }
  return counts;
}

// One of the three is used, by the family's kind.
struct Registry::Series {
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
};

struct Registry::Family {
  Kind kind;
  std::string help;
  std::map<std::string, Series> series;
};

Registry::Registry() = default;
Registry::~Registry() = default;

Registry& Registry::process() {
  static auto& instance = *new Registry;
  return instance;
}

// With the lock held. A mistake here is one in the program: what goes on must still be able to
// count.
Registry::Series& Registry::series(Kind kind, std::string_view name, std::string_view help,
                                   Labels labels) {
  const auto text = label_text(labels);
  const auto known = families_.find(name);
  const bool wrong =
      !text || !valid_name(name, false) || (known != families_.end() && known->second.kind != kind);
  if (wrong) {
    log::error("a metric has a wrong name or label, or is registered as two kinds; it is not shown",
               {{"name", std::string(name)}});
    return *unseen_.emplace_back(std::make_unique<Series>());
  }
  Family& family = known != families_.end()
                       ? known->second
                       : families_.emplace(name, Family{kind, std::string(help), {}}).first->second;
  return family.series[*text];
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(Kind::counter, name, help, labels);
  if (!found.counter) found.counter = std::make_unique<Counter>();
  return *found.counter;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(Kind::gauge, name, help, labels);
  if (!found.gauge) found.gauge = std::make_unique<Gauge>();
  return *found.gauge;
}

Gauge& Registry::total(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(Kind::total, name, help, labels);
  if (!found.gauge) found.gauge = std::make_unique<Gauge>();
  return *found.gauge;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, Unit unit,
                               std::span<const std::uint64_t> bounds, Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(Kind::histogram, name, help, labels);
  if (!found.histogram) {
    const auto family = families_.find(name);
    const Histogram* first = nullptr;
    if (family != families_.end() && family->second.kind == Kind::histogram) {
      for (const auto& [ignored, each] : family->second.series) {
        if (each.histogram) first = each.histogram.get();
      }
    }
    found.histogram = first != nullptr ? std::make_unique<Histogram>(first->unit(), first->bounds())
                                       : std::make_unique<Histogram>(unit, bounds);
  }
  return *found.histogram;
}

void Registry::append(std::string& out, const std::string& name, const Family& family) {
  out += "# HELP " + name + ' ';
  append_escaped(out, family.help, false);
  out += "\n# TYPE " + name + ' ';
  switch (family.kind) {
    case Kind::counter:
    case Kind::total:
      out += "counter\n";
      break;
    case Kind::gauge:
      out += "gauge\n";
      break;
    case Kind::histogram:
      out += "histogram\n";
      break;
  }
  for (const auto& [labels, series] : family.series) {
    if (series.histogram) {
      append_histogram(out, name, labels, *series.histogram);
      continue;
    }
    append_series(out, name, labels);
    if (series.counter) {
      append_number(out, series.counter->value());
    } else {
      append_value(out, series.gauge->value());
    }
    out += '\n';
  }
}

std::string Registry::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) append(out, name, family);
  return out;
}

}  // namespace visor::metrics
