#include "catalogue/sqlite/place_stream.h"

#include <algorithm>
#include <utility>

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kUp =
    "SELECT number, prefix FROM facts WHERE name = ?1 AND value = ?2 AND number >= ?3 "
    "ORDER BY number";
constexpr const char* kDown =
    "SELECT number, prefix FROM facts WHERE name = ?1 AND value = ?2 AND number <= ?3 "
    "ORDER BY number DESC";

// A step along the index costs a tenth of a search from its root: near targets are walked to, far
// ones searched for.
constexpr int kMostPatience = 8;

}  // namespace

std::int64_t prefix_of(std::string_view id) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof prefix; ++i) {
    prefix = prefix << 8 | (i < id.size() ? static_cast<std::uint8_t>(id[i]) : 0u);
  }
  return static_cast<std::int64_t>(prefix ^ std::uint64_t{1} << 63);
}

RangeStream::RangeStream(Connection& connection, NumberedFact fact, Direction direction,
                         Effort& effort)
    : PlaceStream(direction),
      fact_(std::move(fact)),
      statement_(connection.prepare(direction == Direction::ascending ? kUp : kDown)),
      effort_(effort) {}

bool RangeStream::seek(std::int64_t target) {
  if (started_) {
    if (!before(place_, target)) return true;
    for (int step = 0; step < patience_; ++step) {
      if (!next()) return false;
      if (!before(place_, target)) {
        patience_ = std::min(patience_ * 2, kMostPatience);
        return true;
      }
    }
    patience_ = std::max(patience_ / 2, 1);
  }
  started_ = true;
  statement_.reset();
  statement_.bind(1, fact_.name).bind(2, fact_.value).bind(3, target);
  return next();
}

bool RangeStream::next() {
  ++effort_.rows;
  if (!statement_.step()) return false;
  place_ = statement_.number(0);
  prefix_ = statement_.number(1);
  return true;
}

UnionStream::UnionStream(std::vector<std::unique_ptr<PlaceStream>> streams, Direction direction)
    : PlaceStream(direction), streams_(std::move(streams)) {}

bool UnionStream::seek(std::int64_t target) {
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    if (!(*stream)->seek(target)) {
      stream = streams_.erase(stream);
      continue;
    }
    if ((*stream)->place() == target) {
      // Nothing can come before the target, so the others may stay behind for now. What hit once is
      // asked first again.
      stand_where(**stream);
      std::rotate(streams_.begin(), stream, stream + 1);
      return true;
    }
    ++stream;
  }
  return take_first();
}

bool UnionStream::next() {
  const std::int64_t passed = place_;
  std::erase_if(streams_, [&](const std::unique_ptr<PlaceStream>& stream) {
    return !stream->seek(passed) || (stream->place() == passed && !stream->next());
  });
  return take_first();
}

bool UnionStream::take_first() {
  if (streams_.empty()) return false;
  const PlaceStream* first = streams_.front().get();
  for (const auto& stream : streams_) {
    if (before(stream->place(), first->place())) first = stream.get();
  }
  return stand_where(*first);
}

IntersectionStream::IntersectionStream(std::vector<std::unique_ptr<PlaceStream>> streams,
                                       Direction direction)
    : PlaceStream(direction), streams_(std::move(streams)) {}

bool IntersectionStream::seek(std::int64_t target) {
  return streams_.front()->seek(target) && agree();
}

bool IntersectionStream::next() { return streams_.front()->next() && agree(); }

bool IntersectionStream::agree() {
  std::int64_t target = streams_.front()->place();
  std::size_t agreed = 1;
  for (std::size_t i = 1 % streams_.size(); agreed < streams_.size();
       i = (i + 1) % streams_.size()) {
    PlaceStream& stream = *streams_[i];
    if (!stream.seek(target)) return false;
    if (stream.place() == target) {
      ++agreed;
    } else {
      target = stream.place();
      agreed = 1;
    }
  }
  return stand_where(*streams_.front());
}

}  // namespace visor::catalogue::sqlite
