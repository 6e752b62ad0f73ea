// How `find` is answered from the indexes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.h"
#include "catalogue/sqlite/connection.h"
#include "catalogue/sqlite/fact_codec.h"
#include "catalogue/sqlite/place_stream.h"

namespace visor::catalogue::sqlite {

/// Answers one query, inside one read transaction that the caller holds. Throws StorageFailure.
///
/// The candidates of a query are the intersection of the ranges of its filters and of the union of
/// its access facts, walked by leaping: about (rarest range) x (number of ranges) index rows, and
/// no more than a page needs. They come in the natural order.
///
/// - In natural order a page costs what it holds, plus what the ranges do not have in common on the
///   way.
/// - By id, plans take turns until one is done. The index of ids is walked in order and each record
///   checked: a page costs its length divided by the share of records that match. Or few candidates
///   (up to 16,384) are gathered and those with the first ids picked out: the index of facts
///   carries the beginnings of the ids.
/// - By a fact it is alike: that fact's index is walked, or few candidates are sorted in memory, of
///   which only the page is kept. The worst case, more candidates that all lie at the far end of
///   the order, looks at each record that has the fact once.
/// - Records without the sort fact have no index of their own. They are looked for among the
///   candidates, unless the counts say that there are none, and until all that exist were seen.
///   Ascending, with few such records in a large collection and no selective filter, that looks at
///   the whole collection: give records an empty fact rather than none where it matters.
class Finder {
 public:
  Finder(Connection& connection, const Query& query);
  Page run();

 private:
  // A record that is part of the answer.
  struct Hit {
    std::string value;  ///< by a fact: its value
    Record record;
  };
  // A record that may be.
  struct Candidate {
    std::int64_t place = 0;
    std::int64_t prefix = 0;
  };
  // The walk by a fact: records with a value in their index, and those with an empty one or none.
  enum class Phase { valued, empty, done };
  // Which conditions narrow the candidates; the others are checked record by record.
  enum class Narrowing { filters, filters_and_access };

  bool ascending() const { return query_.direction == Direction::ascending; }
  bool narrowed() const { return !filters_.empty() || query_.access.has_value(); }
  template <class T>
  bool before(const T& left, const T& right) const {
    return ascending() ? left < right : right < left;
  }

  bool resolve_names();
  std::unique_ptr<PlaceStream> candidates(Narrowing narrowing, bool with_empty_sort_fact);
  std::unique_ptr<PlaceStream> access_stream();
  bool start(PlaceStream& stream, std::optional<std::int64_t> after) const;

  void load(std::int64_t place);
  std::string_view smallest_sort_value(bool& lacking) const;
  bool allowed() const;
  bool meets(std::int64_t name, const Condition& condition) const;
  bool passes_rest() const;
  bool passes_all() const;
  bool has(std::int64_t name, std::string_view value) const;
  /// Puts the loaded record into the answer; true if that fills the page.
  bool take(std::string_view value);
  Page page();

  /// All candidates; nothing if there are more than `most`, or they are too far apart.
  std::optional<std::vector<Candidate>> gather(PlaceStream& stream, std::size_t most);
  std::optional<std::vector<Candidate>> gather_rarest();

  void in_natural_order();

  void by_id();
  bool walk_ids(std::uint64_t most_rows);
  void pick_by_id(std::vector<Candidate> few);

  void by_fact();
  void sort_by_fact(const std::vector<Candidate>& few);
  void begin_walk();
  bool walk(std::uint64_t most_rows);
  bool walk_valued(std::uint64_t stop);
  bool walk_empty(std::uint64_t stop);
  std::int64_t count_lacking();

  Connection& connection_;
  const Query& query_;
  static constexpr std::uint64_t kNoLimit = UINT64_MAX;
  const std::size_t wanted_;  ///< a page and one, to know whether more follow
  std::int64_t collection_ = 0;
  std::int64_t sort_ = 0;  ///< the number of the fact to sort by; 0: no record has it
  std::vector<NumberedFact> filters_;
  std::vector<NumberedFact> rest_;  ///< filters that are checked record by record
  /// The query's conditions and the numbers of their names.
  std::vector<std::pair<std::int64_t, const Condition*>> conditions_;
  std::vector<NumberedFact> access_;
  bool access_by_record_ = false;  ///< the same for an access set with very many values
  Effort effort_;
  std::vector<Hit> hits_;

  std::optional<Statement> loading_;
  std::int64_t loaded_ = 0;      ///< the place of the record that is being looked at
  std::vector<FactView> facts_;  ///< and its facts

  std::optional<Statement> ids_;

  Phase phase_ = Phase::done;
  std::optional<Statement> valued_;
  std::string valued_from_;
  std::int64_t valued_from_place_ = 0;
  std::unique_ptr<PlaceStream> empty_;
  std::optional<std::int64_t> empty_after_;
  std::int64_t lacking_ = 0;
  std::int64_t lacking_seen_ = 0;
};

}  // namespace visor::catalogue::sqlite
