// The keys of blobs in writable stores.
#pragma once

#include <string_view>

#include "base/error.h"

namespace visor::store {

/// Whether `key` may name a blob of a writable store: 1 to 200 characters of [a-z0-9-/], no '/' at
/// either end and no two in a row. '.' is not among them, so no key climbs out of its place.
/// `invalid` with a sentence otherwise.
Result<void> check_key(std::string_view key);

}  // namespace visor::store
