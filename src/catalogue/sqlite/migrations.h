// The schema of the catalogue's file, as numbered steps that lead from nothing to the newest
// version.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// PRAGMA application_id of our files: "VISR".
inline constexpr std::int64_t kApplicationId = 0x56495352;

/// One step: takes a file from `version` - 1 to `version` (PRAGMA user_version). Never changed once
/// released.
struct Migration {
  int version;
  const char* summary;
  const char* sql;
  void (*step)(Connection&) = nullptr;  ///< after `sql`: what SQL can't say
};
std::span<const Migration> migrations();
int newest_version();

/// Refuses a file that is not ours (`invalid`) or that a newer release has written (`unsupported`);
/// an empty database passes. Throws StorageFailure.
Result<void> recognise(Connection& connection);

/// Brings the schema up to `target`, each step in a transaction of its own: a crash in between
/// leaves a file of one version or the next. Throws StorageFailure.
void migrate(Connection& connection, int target = newest_version());

}  // namespace visor::catalogue::sqlite
