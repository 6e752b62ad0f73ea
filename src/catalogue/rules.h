// What every engine checks and says alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "catalogue/catalogue.h"

namespace visor::catalogue {

/// `invalid` unless the query keeps to the rules of catalogue.h: a collection, a limit of 1 to
/// 1000, named filters. A filter's value may be longer than any stored one; it then finds nothing.
Result<void> check(const Query& query);

/// `invalid` unless the batch keeps to the rules of record.h and catalogue.h: names and ids of 1 to
/// kMaxName bytes, values of at most kMaxFactValue, no record twice, nothing removed that "must not
/// exist".
Result<void> check(const Batch& batch);

/// `invalid` unless the names have 1 to kMaxName bytes and the duration is 0 to ten years.
Result<void> check_lease(const std::string& lease, const std::string& holder,
                         std::chrono::milliseconds duration);

/// The value of a counter after `change`: `quota` (its `where` is the counter's name) over the
/// limit or over 2^63-1, `internal` under 0.
Result<std::int64_t> changed(std::int64_t value, const CounterChange& change);

/// A record that came at a microsecond gets one of these places, from the first on, or of those of
/// the next microsecond with room; one that came at 0, the next one of those below all of these.
/// So places and their order are the same in every engine.
inline constexpr std::uint64_t kPlacesOfAMicrosecond = 1024;
inline constexpr std::uint64_t kFirstTimedPlace = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kLastTime = (std::uint64_t{1} << 52) - 1;

/// The place for a new record that came at `came`. `last_below(first, end)` tells the greatest
/// place taken in [first, end), or nothing.
template <class LastBelow>
std::uint64_t next_place(std::uint64_t came, const LastBelow& last_below) {
  if (came == 0) return last_below(1, kFirstTimedPlace).value_or(0) + 1;
  for (std::uint64_t first = kFirstTimedPlace + came * kPlacesOfAMicrosecond;;
       first += kPlacesOfAMicrosecond) {
    const std::uint64_t end = first + kPlacesOfAMicrosecond;
    const std::uint64_t place = last_below(first, end).value_or(first - 1) + 1;
    if (place < end) return place;
  }
}

std::unexpected<Error> no_such_record(std::string_view collection, std::string_view id);
std::unexpected<Error> revision_differs(std::string_view collection, std::string_view id,
                                        std::uint64_t expected, std::uint64_t found);
std::unexpected<Error> lease_lost(const LeaseCheck& check);
std::unexpected<Error> lease_taken(std::string_view lease);

}  // namespace visor::catalogue
