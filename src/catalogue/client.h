// The catalogue for coroutines: blocking calls are taken to a bounded pool.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/shared_cache.h"
#include "catalogue/catalogue.h"

namespace visor::catalogue {

/// Makes the blocking calls of a catalogue awaitable. Point reads of an embedded engine run inline.
/// Thread-safe; the catalogue and the pool must outlive it. `unavailable` when the pool's queue is
/// full.
class Client {
 public:
  Client(Catalogue& catalogue, async::WorkerPool& pool) : catalogue_(catalogue), pool_(pool) {}

  async::Task<Result<Record>> get(std::string collection, std::string id);
  /// As `get`, without the record's facts: cheaper.
  async::Task<Result<Record>> document(std::string collection, std::string id);
  /// As `document`, on the spot; nothing if that could take long and must be awaited.
  std::optional<Result<Record>> document_at_once(const std::string& collection,
                                                 const std::string& id);
  async::Task<Result<Page>> find(Query query);
  async::Task<Result<void>> apply(Batch batch);
  /// As `apply`, for the closing step of something that was let in already: it is never turned away
  /// by a full queue.
  async::Task<Result<void>> apply_admitted(Batch batch);
  async::Task<Result<std::int64_t>> counter(std::string name);
  async::Task<Result<Changes>> changes(std::uint64_t since, std::uint32_t limit);

  Catalogue& blocking() { return catalogue_; }

  /// Tells a cache, whose keys are ids, of every change of a collection, from before it until it
  /// has happened or failed. See RecordCache.
  void watch(std::string collection, std::shared_ptr<SharedCache> cache);
  void unwatch(const std::shared_ptr<SharedCache>& cache);

 private:
  /// The caches that a batch concerns, told of its beginning; told of its end when this goes.
  class Announcement;

  using Watch = std::pair<std::string, std::shared_ptr<SharedCache>>;

  std::mutex watches_mutex_;
  std::vector<Watch> watches_;
  Catalogue& catalogue_;
  async::WorkerPool& pool_;
};

}  // namespace visor::catalogue
