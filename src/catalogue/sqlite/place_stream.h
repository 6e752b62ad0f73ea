// Streams of records in their natural order, each over one range of the index of facts, and their
// unions and intersections: no query has to look at more than the smallest of the ranges it names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/catalogue.h"
#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// The first eight bytes of an id as a number that sorts as they do.
std::int64_t prefix_of(std::string_view id);

/// Places (numbers of rows in `records`), ascending or descending, without repetitions. A stream
/// begins in front of its first place and must be moved with `seek` first; after `seek` or `next`
/// has returned false it is used no more. Throws StorageFailure.
class PlaceStream {
 public:
  explicit PlaceStream(Direction direction) : descending_(direction == Direction::descending) {}
  virtual ~PlaceStream() = default;
  PlaceStream(const PlaceStream&) = delete;
  PlaceStream& operator=(const PlaceStream&) = delete;

  /// Moves to the first place at or behind `target`; stays if it is there already. False if there
  /// is none.
  virtual bool seek(std::int64_t target) = 0;
  /// Moves to the place behind the current one. False if there is none.
  virtual bool next() = 0;

  std::int64_t place() const { return place_; }
  /// `prefix_of` the id of the record there.
  std::int64_t prefix() const { return prefix_; }

 protected:
  /// Whether `left` comes before `right` in this stream's order.
  bool before(std::int64_t left, std::int64_t right) const {
    return descending_ ? left > right : left < right;
  }
  bool stand_where(const PlaceStream& other) {
    place_ = other.place_;
    prefix_ = other.prefix_;
    return true;
  }

  const bool descending_;
  std::int64_t place_ = 0;
  std::int64_t prefix_ = 0;
};

/// Counts rows read from indexes, so that a plan that turns out dear can be given up.
struct Effort {
  std::uint64_t rows = 0;
};

/// A fact, by the number of its name.
struct NumberedFact {
  std::int64_t name = 0;
  std::string value = {};
  auto operator<=>(const NumberedFact&) const = default;
};

/// The records with one fact: one range of the index. A collection's own number with an empty value
/// stands for all its records.
class RangeStream final : public PlaceStream {
 public:
  /// What is pointed at must outlive the stream.
  RangeStream(Connection& connection, NumberedFact fact, Direction direction, Effort& effort);
  bool seek(std::int64_t target) override;
  bool next() override;

 private:
  const NumberedFact fact_;
  Statement statement_;
  Effort& effort_;
  bool started_ = false;
  int patience_ = 8;  ///< steps to take before a search from the root; learnt from how far the
                      ///< seeks before went
};

/// What is in any of several streams.
class UnionStream final : public PlaceStream {
 public:
  UnionStream(std::vector<std::unique_ptr<PlaceStream>> streams, Direction direction);
  bool seek(std::int64_t target) override;
  bool next() override;

 private:
  bool take_first();
  std::vector<std::unique_ptr<PlaceStream>> streams_;  ///< those that have not ended
};

/// What is in all of several streams: each jumps to where the others are, so that the rarest sets
/// the pace.
class IntersectionStream final : public PlaceStream {
 public:
  IntersectionStream(std::vector<std::unique_ptr<PlaceStream>> streams, Direction direction);
  bool seek(std::int64_t target) override;
  bool next() override;

 private:
  bool agree();
  std::vector<std::unique_ptr<PlaceStream>> streams_;
};

}  // namespace visor::catalogue::sqlite
