#include "catalogue/sqlite/finder.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "catalogue/sqlite/names.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kLoad = "SELECT facts, id, revision, document FROM records WHERE number = ?1";
// Each range is a statement of its own; what is over these numbers is checked in the records.
constexpr std::size_t kMostFilterRanges = 8;
constexpr std::size_t kMostAccessRanges = 128;

// How much the plans for a sort get in their turns.
constexpr std::uint64_t kFirstWalkRowsPerHit = 6;
constexpr std::size_t kFirstCandidates = 256;
constexpr std::size_t kMostCandidates = 16'384;
constexpr std::size_t kGrowth = 4;
constexpr std::uint64_t kRowsPerCandidate = 8;

// In natural order, access is checked in the records, which are read in any case, until so many
// were refused that leaping over those is cheaper.
constexpr std::size_t kMostRefused = 32;

constexpr std::int64_t kFirstPlace = 0;
constexpr std::int64_t kBeyondAll = std::numeric_limits<std::int64_t>::max();

template <class T>
void make_distinct(std::vector<T>& values) {
  std::ranges::sort(values);
  const auto repeated = std::ranges::unique(values);
  values.erase(repeated.begin(), repeated.end());
}

}  // namespace

Finder::Finder(Connection& connection, const Query& query)
    : connection_(connection), query_(query), wanted_(query.limit + std::size_t{1}) {}

Page Finder::run() {
  if (query_.access && query_.access->empty()) return {};
  if (!resolve_names()) return {};
  if (query_.sort.empty()) {
    by_id();
  } else if (query_.sort == kNaturalOrder) {
    in_natural_order();
  } else {
    by_fact();
  }
  return page();
}

// False if a condition names what no record has.
bool Finder::resolve_names() {
  const auto collection = find_name(connection_, query_.collection, "");
  if (!collection) return false;
  collection_ = *collection;
  for (const Fact& filter : query_.filters) {
    const auto name = find_name(connection_, query_.collection, filter.name);
    if (!name) return false;
    filters_.push_back({*name, filter.value});
  }
  make_distinct(filters_);
  if (filters_.size() > kMostFilterRanges) {
    rest_.assign(filters_.begin() + kMostFilterRanges, filters_.end());
    filters_.resize(kMostFilterRanges);
  }
  for (const Condition& condition : query_.conditions) {
    const auto name = find_name(connection_, query_.collection, condition.name);
    if (name) conditions_.emplace_back(*name, &condition);
    if (!name && !condition.negated) return false;
  }
  if (query_.access) {
    const auto name = find_name(connection_, query_.collection, kAccessFact);
    if (!name) return false;
    for (const std::string& value : *query_.access) access_.push_back({*name, value});
    make_distinct(access_);
    access_by_record_ = access_.size() > kMostAccessRanges;
  }
  if (!query_.sort.empty() && query_.sort != kNaturalOrder) {
    sort_ = find_name(connection_, query_.collection, query_.sort).value_or(0);
  }
  return true;
}

// --- candidates ---

std::unique_ptr<PlaceStream> Finder::access_stream() {
  std::vector<std::unique_ptr<PlaceStream>> streams;
  for (const NumberedFact& fact : access_) {
    streams.push_back(std::make_unique<RangeStream>(connection_, fact, query_.direction, effort_));
  }
  if (streams.size() == 1) return std::move(streams.front());
  return std::make_unique<UnionStream>(std::move(streams), query_.direction);
}

std::unique_ptr<PlaceStream> Finder::candidates(Narrowing narrowing, bool with_empty_sort_fact) {
  std::vector<std::unique_ptr<PlaceStream>> streams;
  auto add_range = [&](NumberedFact fact) {
    streams.push_back(
        std::make_unique<RangeStream>(connection_, std::move(fact), query_.direction, effort_));
  };
  if (with_empty_sort_fact) add_range({sort_});
  for (const NumberedFact& filter : filters_) add_range(filter);
  const bool by_access = narrowing == Narrowing::filters_and_access || streams.empty();
  if (query_.access && !access_by_record_ && by_access) streams.push_back(access_stream());
  if (streams.empty()) add_range({collection_});
  if (streams.size() == 1) return std::move(streams.front());
  return std::make_unique<IntersectionStream>(std::move(streams), query_.direction);
}

// Moves to the first candidate, or to the first one behind a place.
bool Finder::start(PlaceStream& stream, std::optional<std::int64_t> after) const {
  if (!after) return stream.seek(ascending() ? kFirstPlace : kBeyondAll);
  return stream.seek(*after) && (stream.place() != *after || stream.next());
}

std::optional<std::vector<Finder::Candidate>> Finder::gather(PlaceStream& stream,
                                                             std::size_t most) {
  const std::uint64_t stop = effort_.rows + kRowsPerCandidate * most;
  std::vector<Candidate> few;
  for (bool any = start(stream, std::nullopt); any; any = stream.next()) {
    if (few.size() == most || effort_.rows > stop) return std::nullopt;
    few.push_back({stream.place(), stream.prefix()});
  }
  return few;
}

// --- single records ---

void Finder::load(std::int64_t place) {
  if (!loading_) loading_.emplace(connection_.prepare(kLoad));
  loading_->reset();
  loading_->bind(1, place);
  ++effort_.rows;
  if (!loading_->step() || !decode_facts(loading_->bytes(0), facts_)) {
    connection_.fail_with(SQLITE_CORRUPT, "a record that the index names");
  }
  loaded_ = place;
}

std::string_view Finder::smallest_sort_value(bool& lacking) const {
  std::string_view smallest;
  lacking = true;
  for (const FactView& fact : facts_) {
    if (fact.name != sort_) continue;
    if (lacking || fact.value < smallest) smallest = fact.value;
    lacking = false;
  }
  return smallest;
}

bool Finder::has(std::int64_t name, std::string_view value) const {
  return std::ranges::find(facts_, FactView{name, value}) != facts_.end();
}

bool Finder::allowed() const {
  return !query_.access || std::ranges::any_of(access_, [&](const NumberedFact& fact) {
    return has(fact.name, fact.value);
  });
}

bool Finder::meets(std::int64_t name, const Condition& condition) const {
  const bool any = std::ranges::any_of(facts_, [&](const FactView& fact) {
    return fact.name == name && condition.holds(fact.value);
  });
  return any != condition.negated;
}

// What no range stands for.
bool Finder::passes_rest() const {
  if (access_by_record_ && !allowed()) return false;
  for (const auto& [name, condition] : conditions_) {
    if (!meets(name, *condition)) return false;
  }
  return std::ranges::all_of(
      rest_, [&](const NumberedFact& filter) { return has(filter.name, filter.value); });
}

bool Finder::passes_all() const {
  return allowed() && passes_rest() &&
         std::ranges::all_of(
             filters_, [&](const NumberedFact& filter) { return has(filter.name, filter.value); });
}

bool Finder::take(std::string_view value) {
  Hit& hit = hits_.emplace_back();
  hit.value = value;
  hit.record.collection = query_.collection;
  hit.record.id = loading_->bytes(1);
  hit.record.revision = static_cast<std::uint64_t>(loading_->number(2));
  hit.record.document = loading_->bytes(3);
  hit.record.place = static_cast<std::uint64_t>(loaded_);
  return hits_.size() == wanted_;
}

Page Finder::page() {
  Page page;
  const bool more = hits_.size() == wanted_;
  if (more) hits_.pop_back();
  if (more) {
    const Hit& last = hits_.back();
    page.next = Query::Position{last.value, last.record.id, last.record.place};
  }
  page.records.reserve(hits_.size());
  for (Hit& hit : hits_) page.records.push_back(std::move(hit.record));
  return page;
}

// --- natural order ---

void Finder::in_natural_order() {
  std::optional<std::int64_t> after;
  if (query_.after) after = static_cast<std::int64_t>(query_.after->place);
  // Without a filter the access set is all that narrows.
  bool check_access = query_.access && (access_by_record_ || !filters_.empty());
  std::size_t refused = 0;
  auto stream = candidates(Narrowing::filters, false);
  for (bool any = start(*stream, after); any; any = stream->next()) {
    load(stream->place());
    if (check_access && !allowed()) {
      if (access_by_record_ || ++refused < kMostRefused) continue;
      check_access = false;
      after = stream->place();
      stream = candidates(Narrowing::filters_and_access, false);
      if (!start(*stream, after)) return;
      load(stream->place());
    }
    if (passes_rest() && take("")) return;
  }
}

// --- by a fact ---

// Neither plan's cost is known beforehand, so they take turns, each longer than the one before: in
// all, a small multiple of what the better one would have cost alone.
void Finder::by_fact() {
  begin_walk();
  // Without a condition every record is a candidate: then only the walk makes sense.
  if (narrowed()) {
    std::uint64_t rows = kFirstWalkRowsPerHit * wanted_;
    for (std::size_t most = kFirstCandidates; most <= kMostCandidates; most *= kGrowth) {
      if (walk(rows)) return;
      const auto stream = candidates(Narrowing::filters_and_access, false);
      if (const auto few = gather(*stream, most)) return sort_by_fact(*few);
      rows = kRowsPerCandidate * most;
    }
  }
  walk(kNoLimit);
}

void Finder::sort_by_fact(const std::vector<Candidate>& few) {
  using Standing = std::pair<std::string, std::int64_t>;
  auto earlier = [this](const Standing& left, const Standing& right) {
    return before(left, right);
  };
  std::optional<Standing> after;
  if (query_.after) {
    after = Standing(query_.after->value, static_cast<std::int64_t>(query_.after->place));
  }
  std::vector<Standing> first;  // a heap whose top is the last of the page
  for (const Candidate& candidate : few) {
    load(candidate.place);
    if (!passes_rest()) continue;
    bool lacking = false;
    Standing standing{std::string(smallest_sort_value(lacking)), candidate.place};
    if (after && !before(*after, standing)) continue;
    if (first.size() == wanted_) {
      if (!before(standing, first.front())) continue;
      std::ranges::pop_heap(first, earlier);
      first.pop_back();
    }
    first.push_back(std::move(standing));
    std::ranges::push_heap(first, earlier);
  }
  std::ranges::sort_heap(first, earlier);
  hits_.clear();  // what a walk found that was given up
  for (const auto& [value, place] : first) {
    load(place);
    take(value);
  }
}

}  // namespace visor::catalogue::sqlite
