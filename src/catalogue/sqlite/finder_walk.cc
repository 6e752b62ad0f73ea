// The walk along the index of the fact that a query sorts by.
#include <limits>
#include <utility>

#include "catalogue/sqlite/finder.h"
#include "catalogue/sqlite/names.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kWalkUp =
    "SELECT value, number FROM facts WHERE name = ?1 AND (value, number) > (?2, ?3) "
    "ORDER BY value, number";
constexpr const char* kWalkDown =
    "SELECT value, number FROM facts WHERE name = ?1 AND (value, number) < (?2, ?3) "
    "ORDER BY value DESC, number DESC";

// The smallest value that is not empty.
constexpr std::string_view kFirstValue{"\0", 1};

// Behind every value that can be stored.
const std::string& beyond_all_values() {
  static const std::string bytes(kMaxFactValue + 1, '\xff');
  return bytes;
}

}  // namespace

// Ascending, records with an empty value or none come first, as they lie; descending they come
// last.
void Finder::begin_walk() {
  phase_ = ascending() ? Phase::empty : Phase::valued;
  valued_from_ = ascending() ? std::string(kFirstValue) : beyond_all_values();
  if (query_.after) {
    const auto place = static_cast<std::int64_t>(query_.after->place);
    if (query_.after->value.empty()) {
      phase_ = Phase::empty;
      empty_after_ = place;
    } else {
      phase_ = Phase::valued;
      valued_from_ = query_.after->value;
      valued_from_place_ = place;
    }
  }
  lacking_ = count_lacking();
}

std::int64_t Finder::count_lacking() {
  return records_with_name(connection_, collection_) -
         (sort_ == 0 ? 0 : records_with_name(connection_, sort_));
}

// Goes on until the page is full or nothing follows (true), or the rows are spent (false; it can
// then be called again).
bool Finder::walk(std::uint64_t most_rows) {
  const std::uint64_t stop = most_rows == kNoLimit ? kNoLimit : effort_.rows + most_rows;
  while (phase_ != Phase::done) {
    const bool ended = phase_ == Phase::valued ? walk_valued(stop) : walk_empty(stop);
    if (hits_.size() == wanted_) return true;
    if (!ended) return false;
    const bool first_phase = (phase_ == Phase::valued) != ascending();
    if (!first_phase) {
      phase_ = Phase::done;
    } else {
      phase_ = ascending() ? Phase::valued : Phase::empty;
    }
  }
  return true;
}

// Both phases return whether they came to their end.
bool Finder::walk_valued(std::uint64_t stop) {
  if (!valued_) {
    valued_.emplace(connection_.prepare(ascending() ? kWalkUp : kWalkDown));
    valued_->bind(1, sort_).bind(2, valued_from_).bind(3, valued_from_place_);
  }
  while (effort_.rows <= stop) {
    ++effort_.rows;
    if (!valued_->step()) return true;
    const std::string_view value = valued_->bytes(0);
    if (value.empty()) return true;
    load(valued_->number(1));
    bool lacking = false;
    // A record with several values stands where its smallest one does.
    if (smallest_sort_value(lacking) != value || !passes_all()) continue;
    if (take(value)) return false;
  }
  return false;
}

bool Finder::walk_empty(std::uint64_t stop) {
  bool any = true;
  if (empty_) {
    any = empty_->next();
  } else {
    empty_ = candidates(Narrowing::filters_and_access, lacking_ == 0);
    any = start(*empty_, empty_after_);
  }
  while (any) {
    load(empty_->place());
    bool lacking = false;
    if (smallest_sort_value(lacking).empty() && passes_rest() && take("")) return false;
    if (lacking && ++lacking_seen_ == lacking_) {
      // From here on only an empty value can put a record into this phase, and those have a range.
      const std::int64_t last = empty_->place();
      empty_ = candidates(Narrowing::filters_and_access, true);
      any = start(*empty_, last);
      continue;
    }
    if (effort_.rows > stop) return false;
    any = empty_->next();
  }
  return true;
}

}  // namespace visor::catalogue::sqlite
