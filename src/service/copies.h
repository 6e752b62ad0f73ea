// Private to this folder: where a blob lies, and reading it from wherever it can be read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/error.h"
#include "catalogue/client.h"
#include "service/records.h"
#include "store/store_set.h"

namespace visor::service {

/// What is to be read of an image's data.
struct Wanted {
  std::string image;       ///< its id, for messages
  std::uint64_t size = 0;  ///< that the whole data must have
  store::ByteRange range;
};

/// A place where the data of an image lies.
struct Location {
  std::string store;
  /// URI. Of a reference as it was given: its query can have what gives access to the data.
  std::string location;
  std::string shown = {};     ///< the same without such secrets
  std::string metadata = {};  ///< what the image's owner noted of it: a JSON object, or empty
};

/// The copies of blobs. Thread-safe; what it stands on outlives it, and it the sources it opened.
class Copies {
 public:
  Copies(catalogue::Client& catalogue, const store::StoreSet& stores)
      : catalogue_(catalogue), stores_(stores) {}

  /// All copies of a blob, the first one first, the others by their rank. `not_found` if it has
  /// none: it was removed.
  async::Task<Result<std::vector<Copy>>> of(std::string blob);

  /// Adds to `batch` what becomes of an image's data when it goes for good: blob, copies and what
  /// its owner was charged for them. Gives what stores have to drop; `precondition` if somebody
  /// else removes or copies it at the moment.
  async::Task<Result<std::vector<Removal>>> add_removal(const image::Image& image,
                                                        catalogue::Batch& batch);

  /// Null if its store is not configured on this server.
  store::Store* store_of(const Copy& copy) const;
  Location location_of(const Copy& copy) const;

  /// Opens this copy. `corrupt` if its size is not the one it must have, `not_found` if it is gone
  /// from its store, `conflict` if a reference's data was changed at its source.
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(Copy copy, Wanted wanted);

  /// Opens this copy or, if that fails, another one; the source goes on in another copy where one
  /// breaks in the middle. The log says so. The error is that of the first copy.
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open_any(Copy first, Wanted wanted);

 private:
  class Source;

  /// Opens the first copy that can be opened of those that are whole and not in `tried`, to which
  /// it adds what it tries. `cause`: why another one is needed, and the error if none is left.
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open_another(
      std::string blob, std::vector<std::string>& tried, Wanted wanted, Error cause);

  catalogue::Client& catalogue_;
  const store::StoreSet& stores_;
};

}  // namespace visor::service
