// A layer: counts and times what a store does.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace visor::store {

/// The same store, with its calls measured under `name`: visor_store_seconds and
/// visor_store_errors_total by store and operation. Answers that are no fault of the store (nothing
/// there, out of range, changed, not allowed) are no errors. Streams come from the store itself, so
/// that their way to the socket stays as short as it was; their reads are not counted.
std::unique_ptr<Store> measured(std::string name, std::unique_ptr<Store> store);

}  // namespace visor::store
