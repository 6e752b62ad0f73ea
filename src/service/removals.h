// Private to this folder: bytes that nothing refers to any more and that a store still has to drop.
#pragma once

#include "async/task.h"
#include "base/error.h"
#include "catalogue/client.h"
#include "service/records.h"
#include "store/store_set.h"

namespace visor::service {

/// Finishes removals that the catalogue has a record of. Thread-safe; what it stands on outlives
/// it.
class Removals {
 public:
  Removals(catalogue::Client& catalogue, const store::StoreSet& stores)
      : catalogue_(catalogue), stores_(stores) {}

  /// Drops the bytes and their manifest, then the record. After an error the record stays, for the
  /// next sweep.
  async::Task<Result<void>> finish(Removal removal);
  /// All that have a record. What a store can't drop now is told to the log and waits.
  async::Task<Result<void>> finish_all();

 private:
  catalogue::Client& catalogue_;
  const store::StoreSet& stores_;
};

}  // namespace visor::service
