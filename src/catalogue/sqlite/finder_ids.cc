// Queries whose answer is in the order of ids.
#include <algorithm>
#include <array>
#include <utility>

#include "catalogue/sqlite/finder.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kIdsUp =
    "SELECT number FROM records INDEXED BY records_by_id WHERE collection = ?1 AND id > ?2 "
    "ORDER BY id";
constexpr const char* kIdsDown =
    "SELECT number FROM records INDEXED BY records_by_id WHERE collection = ?1 AND id < ?2 "
    "ORDER BY id DESC";
constexpr const char* kId = "SELECT id FROM records WHERE number = ?1";

// Enough to see whether the condition is one that many records meet.
constexpr std::uint64_t kFirstLook = 16;
constexpr std::size_t kCommonIfOneIn = 8;
constexpr std::array<std::size_t, 2> kMostOfOneFilter = {256, 2'048};
constexpr std::size_t kFirstCandidates = 1'024;
constexpr std::size_t kMostCandidates = 16'384;
constexpr std::size_t kGrowth = 4;
constexpr std::uint64_t kWalkPerCandidate = 2;

// Behind every id that can be stored.
const std::string& beyond_all_ids() {
  static const std::string bytes(kMaxName + 1, '\xff');
  return bytes;
}

}  // namespace

void Finder::by_id() {
  if (!narrowed()) {
    walk_ids(kNoLimit);
    return;
  }
  if (walk_ids(kFirstLook)) return;
  const bool common = hits_.size() * kCommonIfOneIn >= kFirstLook;
  if (common && walk_ids(kCommonIfOneIn * wanted_)) return;
  if (auto few = gather_rarest()) return pick_by_id(std::move(*few));
  for (std::size_t most = kFirstCandidates; most <= kMostCandidates; most *= kGrowth) {
    if (walk_ids(kWalkPerCandidate * most)) return;
    const auto stream = candidates(Narrowing::filters_and_access, false);
    if (auto few = gather(*stream, most)) return pick_by_id(std::move(*few));
  }
  walk_ids(kNoLimit);
}

// What meets the rarest of the filters, if one is rare: a record that is looked at for the answer
// tells by itself whether it meets the others.
std::optional<std::vector<Finder::Candidate>> Finder::gather_rarest() {
  for (const std::size_t most : kMostOfOneFilter) {
    for (const NumberedFact& filter : filters_) {
      RangeStream stream(connection_, filter, query_.direction, effort_);
      if (auto few = gather(stream, most)) return few;
    }
  }
  return std::nullopt;
}

// Goes on along the index of ids until the page is full or nothing follows (true), or the rows are
// spent (false; it can then be called again).
bool Finder::walk_ids(std::uint64_t most_rows) {
  if (!ids_) {
    ids_.emplace(connection_.prepare(ascending() ? kIdsUp : kIdsDown));
    ids_->bind(1, collection_);
    static constexpr std::string_view kBeforeAll;
    const std::string_view first = ascending() ? kBeforeAll : std::string_view(beyond_all_ids());
    ids_->bind(2, query_.after ? std::string_view(query_.after->id) : first);
  }
  for (std::uint64_t row = 0; row < most_rows; ++row) {
    if (!ids_->step()) return true;
    load(ids_->number(0));
    if (passes_all() && take("")) return true;
  }
  return false;
}

// Takes candidates with the first ids one after the other, until the page is full. Their order is
// that of the ids' beginnings; ids are read only where these are alike.
void Finder::pick_by_id(std::vector<Candidate> few) {
  hits_.clear();  // what a walk found that was given up
  if (query_.after) {
    const std::int64_t after = prefix_of(query_.after->id);
    std::erase_if(few, [&](const Candidate& candidate) { return before(candidate.prefix, after); });
  }
  auto later = [this](const Candidate& left, const Candidate& right) {
    return before(right.prefix, left.prefix);
  };
  std::ranges::make_heap(few, later);
  std::vector<std::pair<std::string, std::int64_t>> alike;
  while (!few.empty()) {
    alike.clear();
    const std::int64_t prefix = few.front().prefix;
    while (!few.empty() && few.front().prefix == prefix) {
      std::ranges::pop_heap(few, later);
      Statement statement = connection_.prepare(kId);
      statement.bind(1, few.back().place);
      if (!statement.step()) connection_.fail_with(SQLITE_CORRUPT, "a record that the index names");
      alike.emplace_back(statement.bytes(0), few.back().place);
      few.pop_back();
    }
    std::ranges::sort(alike,
                      [this](const auto& left, const auto& right) { return before(left, right); });
    for (const auto& [id, place] : alike) {
      if (query_.after && !before(query_.after->id, id)) continue;
      load(place);
      if (passes_all() && take("")) return;
    }
  }
}

}  // namespace visor::catalogue::sqlite
