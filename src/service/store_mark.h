// Whose store it is: a mark in the store names the catalogue that knows what lies there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "catalogue/client.h"
#include "store/store_set.h"

namespace visor::service {

/// The collection of what a catalogue knows of itself; see docs/formats/records.md.
inline constexpr const char* kCatalogue = "catalogue";
/// The key of the mark. No blob has it.
inline constexpr const char* kManifestMark = "manifests";

/// What the mark of a store says; its form is in docs/formats/manifest.md.
struct StoreMark {
  std::string walk;       ///< the walk over the catalogue that the store's manifests are from
  std::string catalogue;  ///< the identity of the catalogue; empty: of a version that wrote none
  std::string store;      ///< what that catalogue's server calls the store
};

std::string write_mark(const StoreMark& mark);
/// A text that no version writes is a mark of an unknown walk and of nobody.
StoreMark read_mark(std::string_view text);

/// The mark of one store, read and written for one catalogue. Thread-safe; what it stands on
/// outlives it.
///
/// Errors: `conflict` where the store is another catalogue's, or where another store of this server
/// lies in the same place, with a sentence for administrators; those of the store and the
/// catalogue.
class StoreMarks {
 public:
  /// `store` is the name of one in `stores` that takes data.
  StoreMarks(catalogue::Client& catalogue, const store::StoreSet& stores, std::string store);

  /// The walk that the store's manifests are from, by a mark of this catalogue, or by one of a
  /// version that did not say whose it was, which becomes this one's. Nothing if there is none.
  async::Task<Result<std::optional<std::string>>> walk();
  /// Puts a mark of this catalogue there. Of several catalogues that find a store without one, one
  /// gets it.
  async::Task<Result<void>> put(std::string walk);
  /// Makes a store that is another catalogue's this one's: only when somebody asked for it. A
  /// catalogue without an identity is the heir of the other one from then on, in all its stores.
  async::Task<Result<void>> take_over();

 private:
  /// Who the catalogue is. Both may be empty.
  struct Identity {
    std::string own;
    std::string heir_of;  ///< the lost catalogue whose stores are its own
  };

  async::Task<Result<std::optional<StoreMark>>> read();
  async::Task<Result<Identity>> known_identity();
  async::Task<Result<void>> make_identity(std::string heir_of);
  /// Made if there is none.
  async::Task<Result<Identity>> identity();
  async::Task<Result<void>> replace(std::string walk);
  async::Task<Result<void>> put_first(std::string text);
  Result<void> check(const StoreMark& mark, const Identity& identity) const;

  catalogue::Client& catalogue_;
  const store::StoreSet& stores_;
  const std::string name_;
  store::Store& store_;
};

}  // namespace visor::service
