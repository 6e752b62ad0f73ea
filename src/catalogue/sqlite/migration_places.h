// The step to schema version 3: records get places in a natural order, names become numbers.
// Private to this folder's migrations.
#pragma once

#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// Copies `records` and `facts` of version 2 into their new form and drops the old tables. Inside a
/// write transaction. Takes about a minute for a million images and 24 bytes of memory for each
/// record. Throws StorageFailure.
void give_places(Connection& connection);

}  // namespace visor::catalogue::sqlite
