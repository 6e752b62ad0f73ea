// Decoded records at hand.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/task.h"
#include "base/metrics.h"
#include "base/shared_cache.h"
#include "catalogue/client.h"

namespace visor::catalogue {

/// The records of one collection, decoded, in a bounded cache. Exact as far as changes come by
/// `client`: a read never gives what was before a change that has returned, nor what is older than
/// an earlier read gave. Thread-safe; the client outlives it, and no call of it is under way when
/// it goes.
template <class T>
class RecordCache {
 public:
  using Shared = std::shared_ptr<const T>;

  struct Options {
    std::string collection;
    Result<T> (*decode)(const Record& record);  ///< the record comes without its facts
    std::size_t (*bytes)(const T& value);       ///< about what a value takes in memory
    std::size_t most_bytes = 0;                 ///< what all of them may take
    /// Stands for a record that is not there, and is kept like one; nothing: such a read fails with
    /// `not_found`, each time anew, so that guesses fill no memory.
    std::optional<T> absent = std::nullopt;
  };

  RecordCache(Client& client, Options options)
      : client_(client),
        options_(std::move(options)),
        cache_(std::make_shared<SharedCache>(options_.most_bytes)),
        hits_(counter("visor_record_cache_hits_total",
                      "Reads of records that were answered from memory.")),
        misses_(counter("visor_record_cache_misses_total",
                        "Reads of records that had to ask the catalogue.")) {
    client_.watch(options_.collection, cache_);
    if (options_.absent) absent_ = std::make_shared<const T>(std::move(*options_.absent));
  }
  ~RecordCache() { client_.unwatch(cache_); }
  RecordCache(const RecordCache&) = delete;
  RecordCache& operator=(const RecordCache&) = delete;

  struct Read {
    Result<Shared> value;
    bool from_memory = false;  ///< it was asked for before, not long ago
  };

  /// The value, if that takes no waiting: from memory, or from an embedded engine.
  std::optional<Read> get_at_once(const std::string& id) {
    const SharedCache::Found found = find(id);
    if (found.known) return Read{std::static_pointer_cast<const T>(found.value), true};
    auto record = client_.document_at_once(options_.collection, id);
    if (!record) return std::nullopt;
    return Read{take(id, *record, found.ticket), false};
  }

  async::Task<Result<Shared>> get(std::string id) {
    const SharedCache::Found found = find(id);
    if (found.known) co_return std::static_pointer_cast<const T>(found.value);
    const std::string& collection = options_.collection;
    Result<Record> record = co_await client_.document(collection, id);
    co_return take(id, record, found.ticket);
  }

  std::size_t bytes() const { return cache_->bytes(); }

 private:
  metrics::Counter& counter(std::string_view name, std::string_view help) const {
    return metrics::Registry::process().counter(name, help, {{"collection", options_.collection}});
  }

  SharedCache::Found find(const std::string& id) {
    SharedCache::Found found = cache_->find(id);
    (found.known ? hits_ : misses_).add();
    return found;
  }

  Result<Shared> take(const std::string& id, Result<Record>& record, std::uint64_t ticket) {
    if (!record) {
      if (record.error().code != Code::not_found || !absent_) return pass(record);
      cache_->keep(id, absent_, 0, ticket);
      return absent_;
    }
    Result<T> decoded = options_.decode(*record);
    if (!decoded) return pass(decoded);
    const std::size_t bytes = options_.bytes(*decoded);
    Shared value = std::make_shared<const T>(std::move(*decoded));
    cache_->keep(id, value, bytes, ticket);
    return value;
  }

  Client& client_;
  const Options options_;
  const std::shared_ptr<SharedCache> cache_;
  Shared absent_;
  metrics::Counter& hits_;
  metrics::Counter& misses_;
};

}  // namespace visor::catalogue
