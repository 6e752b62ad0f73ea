// What a catalogue keeps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::catalogue {

/// One thing that a record can be found by or sorted on. Several facts of a record may share a
/// name. `value` has at most kMaxFactValue bytes and is compared bytewise by every engine: whoever
/// makes facts encodes order into it.
struct Fact {
  std::string name;
  std::string value;
  auto operator<=>(const Fact&) const = default;
};
inline constexpr std::size_t kMaxFactValue = 256;

/// Values from one to another, both included, bytewise; no end: all from `from` on.
struct ValueRange {
  std::string from;
  std::optional<std::string> to;

  bool holds(std::string_view value) const { return value >= from && (!to || value <= *to); }
};

/// What must be true of a record's facts of one name: one of them lies in one of the ranges, or, if
/// negated, none does.
struct Condition {
  std::string name;
  std::vector<ValueRange> ranges;
  bool negated = false;

  bool holds(std::string_view value) const {
    return std::ranges::any_of(ranges,
                               [value](const ValueRange& range) { return range.holds(value); });
  }
};

/// Names of collections, facts, counters and leases, and ids: 1 to this many bytes.
inline constexpr std::size_t kMaxName = 256;

/// A document under (collection, id). The document is opaque to the engine. The revision starts at
/// 1 and grows by one with each change; 0 means "not stored yet".
struct Record {
  std::string collection;
  std::string id;
  std::uint64_t revision = 0;
  std::string document;
  std::vector<Fact> facts;
  /// Where the record stands in the natural order of its collection: greater than that of all that
  /// came before it. Given by the engine at the first put (see Put::came) and kept for good.
  std::uint64_t place = 0;
};

}  // namespace visor::catalogue
