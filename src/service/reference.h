// Private to this folder: data elsewhere that an image is to refer to.
#pragma once

#include <cstdint>
#include <string>

#include "async/task.h"
#include "base/error.h"
#include "base/principal.h"
#include "store/store_set.h"

namespace visor::service {

struct Reference {
  std::string store;     ///< the name of the one that reads it
  std::string location;  ///< as it was given
  std::string shown;     ///< without secrets
  std::uint64_t size = 0;
  std::string version;     ///< what the store says of the data as it is now
  std::string entity_tag;  ///< what its server says of it
};

/// Looks at what lies at a location that `who` wants an image to refer to. `invalid` (no store
/// takes it, or its size can't be told), `forbidden`, `not_found`, and the store's own errors.
async::Task<Result<Reference>> look_at_reference(const store::StoreSet& stores,
                                                 const Principal& who, std::string location);

}  // namespace visor::service
