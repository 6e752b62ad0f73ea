// Imports: work in the background that brings data into an image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "catalogue/catalogue.h"

namespace visor::service {

/// The collection of the records; see docs/formats/records.md.
inline constexpr const char* kImports = "imports";

/// One piece of work. It survives a restart: what was under way begins again.
struct Import {
  enum class Kind {
    staged,    ///< staged data becomes the image's own
    fetched,   ///< data is fetched from a location and kept
    referred,  ///< the image refers to a location from now on; its digests are computed
    copied,    ///< the data of a present image goes to more stores
    brought    ///< who asked opens the data, which nobody can do again after a restart
  };
  enum class State { waiting, running, done, failed };

  std::string id;  ///< a UUID
  Kind kind = Kind::staged;
  State state = State::waiting;
  std::string image;
  std::string location;             ///< of what is fetched or referred to
  std::vector<std::string> stores;  ///< where the data shall lie
  bool whole = true;                ///< if one of the stores can't take it, none shall have it
  std::string owner;                ///< the account whose image it is
  std::string user;                 ///< who of the account asked for it
  std::string request;              ///< the id of the request that asked for it
  std::string note;                 ///< what the front end wants to be told again of it
  std::string digest;               ///< "sha512:…": what the data of `referred` must have; or empty
  std::string message;              ///< how it ended, for people
  Time created;
  Time updated;
  std::uint64_t revision = 0;

  bool over() const { return state == State::done || state == State::failed; }
};

std::string_view to_string(Import::Kind kind);
std::string_view to_string(Import::State state);

catalogue::Record encode(const Import& import);
catalogue::Put put_of(const Import& import);
/// `corrupt` if the document is not one that `encode` could have written.
Result<Import> decode_import(const catalogue::Record& record);

}  // namespace visor::service
