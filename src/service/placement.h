// Placements: work in the background that changes where the bytes of images lie, or looks whether
// they are still whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "catalogue/catalogue.h"

namespace visor::service {

/// The collection of the records; see docs/formats/records.md.
inline constexpr const char* kPlacements = "placements";

/// One piece of work. It survives a restart: what was under way begins again.
struct Placement {
  enum class Kind {
    copy,   ///< the data of an image into one more store
    move,   ///< from a store, or from where a reference points to, into another store
    evict,  ///< one of several copies goes
    heal,   ///< a damaged copy is written anew from a whole one
    scrub   ///< every copy in a store is read and compared with its digest
  };
  enum class State { waiting, running, done, failed, cancelled };

  std::string id;  ///< a UUID
  Kind kind = Kind::copy;
  State state = State::waiting;
  std::string image;  ///< empty for a scrub
  std::string blob;   ///< of that image
  std::string store;  ///< the store that it is about: where bytes go to, or are read or dropped
  std::string from;   ///< of a move: the store that is left
  std::string copy;   ///< of a healing: the id of the copy
  std::string key;    ///< where bytes are being written to in `store`; empty before the first
  std::string by;     ///< the account that asked for it; empty: the server itself
  std::string failure;

  std::uint64_t size = 0;  ///< bytes that are to be read; 0 for what reads none
  std::uint64_t done = 0;  ///< of these; of a scrub: bytes read

  // Of a scrub.
  std::uint64_t checked = 0;  ///< copies
  std::uint64_t damaged = 0;  ///< of these
  std::uint64_t place = 0;    ///< how far it is in the natural order of all copies

  Time created;
  Time updated;
  std::uint64_t revision = 0;

  bool over() const { return state != State::waiting && state != State::running; }
};

std::string_view to_string(Placement::Kind kind);
std::string_view to_string(Placement::State state);
std::optional<Placement::Kind> parse_placement_kind(std::string_view text);

catalogue::Record encode(const Placement& placement);
catalogue::Put put_of(const Placement& placement);
/// `corrupt` if the document is not one that `encode` could have written.
Result<Placement> decode_placement(const catalogue::Record& record);

}  // namespace visor::service
