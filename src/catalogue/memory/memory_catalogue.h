// A catalogue in memory: for tests, for throw-away servers, and as the plain statement of what
// every engine must answer.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "catalogue/catalogue.h"

namespace visor::catalogue {

/// Keeps everything in maps behind one mutex and forgets it at its end: "durable" means nothing
/// here. `find` looks at every record of the collection: fit for thousands of records, not for
/// millions. Thread-safe.
class MemoryCatalogue : public Catalogue {
 public:
  struct Options {
    std::size_t change_log_rows = 100'000;  ///< changes that are kept; at least 1
    const Clock* clock = &Clock::system();  ///< the time of leases; outlives the catalogue
  };

  MemoryCatalogue() = default;
  explicit MemoryCatalogue(Options options) : options_(options) {}

  Result<Record> get(const std::string& collection, const std::string& id) override;
  Result<Page> find(const Query& query) override;
  Result<void> apply(const Batch& batch) override;
  Result<std::int64_t> counter(const std::string& name) override;
  Result<Changes> changes(std::uint64_t since, std::uint32_t limit) override;
  Result<Lease> acquire(const std::string& lease, const std::string& holder,
                        std::chrono::milliseconds duration) override;
  Result<void> release(const std::string& lease, const std::string& holder) override;
  /// Always `unsupported`: there is no file to copy.
  Result<void> backup(const std::string& path) override;
  bool reads_inline() const override { return true; }

 private:
  struct HeldLease {
    std::uint64_t epoch = 0;
    std::string holder;  ///< empty: given up
    Time expires;
  };
  using Key = std::pair<std::string, std::string>;  ///< collection, id

  Result<void> check_revision(const Key& key, std::uint64_t expected) const;
  std::uint64_t take_place(std::uint64_t came);
  void log_change(const Key& key, std::uint64_t revision, bool removed);

  const Options options_;
  std::mutex mutex_;
  std::map<Key, Record> records_;
  std::set<std::uint64_t> places_;  ///< of all records
  std::map<std::string, std::int64_t> counters_;
  std::map<std::string, HeldLease> leases_;
  std::deque<Change> log_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace visor::catalogue
