// The statements that change the catalogue: one batch or lease at a time, inside a transaction that
// the caller holds.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "catalogue/catalogue.h"
#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// What batches leave to be written once for all of them: hot rows that every one of them would
/// change.
struct Effects {
  std::map<std::int64_t, std::int64_t> counts;  ///< records added, by the number of a name
  std::uint64_t logged = 0;                     ///< changes appended to the history

  void add(const Effects& other);
};

/// Checks all of the batch's conditions, then writes it. What is refused has written nothing.
/// Throws StorageFailure; then the transaction must be rolled back.
Result<void> write_batch(Connection& connection, const Batch& batch, Effects& effects);

/// Writes what write_batch has gathered.
void write_effects(Connection& connection, const Effects& effects);

/// Cuts the history down to its newest `rows` changes.
void trim_history(Connection& connection, std::int64_t rows);

Result<Lease> write_lease(Connection& connection, const std::string& lease,
                          const std::string& holder, std::chrono::milliseconds duration);
void erase_lease(Connection& connection, const std::string& lease, const std::string& holder);

}  // namespace visor::catalogue::sqlite
