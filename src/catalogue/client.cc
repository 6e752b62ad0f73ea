#include "catalogue/client.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/metrics.h"

namespace visor::catalogue {
namespace {

// Of one kind of call: its outcome and how long its caller waited, a place in the queue included.
class Measure {
 public:
  explicit Measure(std::string_view call)
      : seconds_(metrics::Registry::process().histogram(
            "visor_catalogue_seconds", "Time that calls of the catalogue took, waiting included.",
            metrics::Unit::duration, metrics::call_bounds(), {{"call", call}})),
        errors_(metrics::Registry::process().counter("visor_catalogue_errors_total",
                                                     "Calls that the catalogue could not do, those "
                                                     "that its full queue turned away included.",
                                                     {{"call", call}})) {}

  template <class T>
  void done(std::chrono::steady_clock::time_point began, const Result<T>& result) {
    seconds_.observe(std::chrono::steady_clock::now() - began);
    if (result) return;
    const Code code = result.error().code;
    if (code == Code::unavailable || code == Code::internal || code == Code::corrupt ||
        code == Code::no_space || code == Code::timeout) {
      errors_.add();
    }
  }

 private:
  metrics::Histogram& seconds_;
  metrics::Counter& errors_;
};

struct Measures {
  Measure get{"get"};
  Measure find{"find"};
  Measure apply{"apply"};

  static Measures& of_process() {
    static Measures measures;
    return measures;
  }
};

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace

class Client::Announcement {
 public:
  Announcement(Client& client, const Batch& batch) {
    const std::lock_guard lock(client.watches_mutex_);
    for (const auto& [collection, cache] : client.watches_) {
      for (const Put& put : batch.puts)
        note(collection, cache, put.record.collection, put.record.id);
      for (const Remove& remove : batch.removes) {
        note(collection, cache, remove.collection, remove.id);
      }
    }
    for (const auto& [cache, id] : changing_) cache->begin_change(id);
  }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;
  ~Announcement() {
    for (const auto& [cache, id] : changing_) cache->end_change(id);
  }

 private:
  void note(const std::string& watched, const std::shared_ptr<SharedCache>& cache,
            const std::string& collection, const std::string& id) {
    if (collection == watched) changing_.emplace_back(cache, id);
  }

  std::vector<std::pair<std::shared_ptr<SharedCache>, std::string>> changing_;
};

void Client::watch(std::string collection, std::shared_ptr<SharedCache> cache) {
  const std::lock_guard lock(watches_mutex_);
  watches_.emplace_back(std::move(collection), std::move(cache));
}

void Client::unwatch(const std::shared_ptr<SharedCache>& cache) {
  const std::lock_guard lock(watches_mutex_);
  std::erase_if(watches_, [&cache](const Watch& watch) { return watch.second == cache; });
}

std::optional<Result<Record>> Client::document_at_once(const std::string& collection,
                                                       const std::string& id) {
  if (!catalogue_.reads_inline()) return std::nullopt;
  const auto began = now();
  Result<Record> record = catalogue_.document(collection, id);
  Measures::of_process().get.done(began, record);
  return record;
}

async::Task<Result<Record>> Client::document(std::string collection, std::string id) {
  if (auto record = document_at_once(collection, id)) co_return std::move(*record);
  const auto began = now();
  auto work = [this, &collection, &id] { return catalogue_.document(collection, id); };
  Result<Record> record = co_await pool_.run(work);
  Measures::of_process().get.done(began, record);
  co_return record;
}

async::Task<Result<Record>> Client::get(std::string collection, std::string id) {
  const auto began = now();
  if (catalogue_.reads_inline()) {
    Result<Record> record = catalogue_.get(collection, id);
    Measures::of_process().get.done(began, record);
    co_return record;
  }
  auto work = [this, &collection, &id] { return catalogue_.get(collection, id); };
  Result<Record> record = co_await pool_.run(work);
  Measures::of_process().get.done(began, record);
  co_return record;
}

async::Task<Result<Page>> Client::find(Query query) {
  const auto began = now();
  auto work = [this, &query] { return catalogue_.find(query); };
  Result<Page> page = co_await pool_.run(work);
  Measures::of_process().find.done(began, page);
  co_return page;
}

async::Task<Result<void>> Client::apply(Batch batch) {
  const auto began = now();
  const Announcement announcement(*this, batch);
  auto work = [this, &batch] { return catalogue_.apply(batch); };
  Result<void> applied = co_await pool_.run(work);
  Measures::of_process().apply.done(began, applied);
  co_return applied;
}

async::Task<Result<void>> Client::apply_admitted(Batch batch) {
  const auto began = now();
  const Announcement announcement(*this, batch);
  auto work = [this, &batch] { return catalogue_.apply(batch); };
  Result<void> applied = co_await pool_.run_admitted(work);
  Measures::of_process().apply.done(began, applied);
  co_return applied;
}

async::Task<Result<std::int64_t>> Client::counter(std::string name) {
  auto work = [this, &name] { return catalogue_.counter(name); };
  co_return co_await pool_.run(work);
}

async::Task<Result<Changes>> Client::changes(std::uint64_t since, std::uint32_t limit) {
  auto work = [this, since, limit] { return catalogue_.changes(since, limit); };
  co_return co_await pool_.run(work);
}

}  // namespace visor::catalogue
