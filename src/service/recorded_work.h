// Work in the background that is recorded before it begins, so that it survives the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/error.h"
#include "catalogue/catalogue.h"
#include "catalogue/client.h"
#include "service/records.h"

namespace visor::service {

/// The fact by which the records are found that are in one state.
inline constexpr const char* kStateFact = "state";
/// The fact of those that are over: when that was, sorted as times are.
inline constexpr const char* kEndedFact = "ended";

/// The records of one kind of work: Import or Placement. Its states are at least `waiting` and
/// `running`, and `put_of` takes it. What this stands on outlives it.
template <class Work>
class RecordedWork {
 public:
  using State = typename Work::State;
  using Decode = Result<Work> (*)(const catalogue::Record&);
  using Told = void (*)(const Work&);
  using Enter = std::function<bool(Work&)>;
  using Leave = std::function<void(const Work&)>;

  RecordedWork(catalogue::Client& catalogue, const Clock& clock, const char* collection,
               Decode decode)
      : catalogue_(catalogue), clock_(clock), collection_(collection), decode_(decode) {}

  /// Writes down how the work stands now. `precondition`: others have changed it meanwhile.
  async::Task<Result<void>> save(Work& work);

  /// Lets all wait again that the end of the server cut off; `told` hears of each, if it is given.
  async::Task<Result<void>> put_back(Told told = nullptr);

  /// The oldest that waits, from now on recorded as running; nothing if none waits. `enter` is
  /// asked before others can read that it runs, and passes it by with false; `leave` hears of it if
  /// it does not run after all.
  async::Task<Result<std::optional<Work>>> claim(Enter enter = {}, Leave leave = {});

  /// Removes what has been over, in one of these states, for longer than it is kept.
  async::Task<Result<void>> forget(std::vector<State> ended, std::chrono::hours kept);

 private:
  static constexpr std::uint32_t kPage = 200;

  catalogue::Query in_state(State state) const;
  /// Nothing, and a line in the log, if it can't be read.
  std::optional<Work> read(const catalogue::Record& record) const;

  catalogue::Client& catalogue_;
  const Clock& clock_;
  const char* const collection_;
  const Decode decode_;
};

template <class Work>
catalogue::Query RecordedWork<Work>::in_state(State state) const {
  catalogue::Query query;
  query.collection = collection_;
  query.filters = {{kStateFact, std::string(to_string(state))}};
  query.sort = catalogue::kNaturalOrder;
  query.limit = kPage;
  return query;
}

template <class Work>
std::optional<Work> RecordedWork<Work>::read(const catalogue::Record& record) const {
  Result<Work> work = decode_(record);
  if (work) return std::move(*work);
  tell_unreadable(record, work.error());
  return std::nullopt;
}

template <class Work>
async::Task<Result<void>> RecordedWork<Work>::save(Work& work) {
  work.updated = clock_.now();
  catalogue::Batch batch;
  batch.puts.push_back(put_of(work));
  Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
  if (applied) ++work.revision;
  co_return applied;
}

template <class Work>
async::Task<Result<void>> RecordedWork<Work>::put_back(Told told) {
  for (;;) {
    catalogue::Query query = in_state(State::running);
    Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    bool changed = false;
    for (const auto& record : page->records) {
      std::optional<Work> work = read(record);
      if (!work) continue;
      work->state = State::waiting;
      Result<void> saved = co_await save(*work);
      if (!saved) co_return saved;
      changed = true;
      if (told != nullptr) told(*work);
    }
    if (!changed) co_return Result<void>{};
  }
}

template <class Work>
async::Task<Result<std::optional<Work>>> RecordedWork<Work>::claim(Enter enter, Leave leave) {
  catalogue::Query query = in_state(State::waiting);
  Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
  if (!page) co_return pass(page);
  for (const auto& record : page->records) {
    std::optional<Work> work = read(record);
    if (!work) continue;
    work->state = State::running;
    if (enter && !enter(*work)) continue;
    Result<void> saved = co_await save(*work);
    if (saved) co_return work;
    if (leave) leave(*work);
    if (saved.error().code != Code::precondition) co_return pass(saved);
  }
  co_return std::nullopt;
}

template <class Work>
async::Task<Result<void>> RecordedWork<Work>::forget(std::vector<State> ended,
                                                     std::chrono::hours kept) {
  const Time until = clock_.now() - kept;
  for (const State state : ended) {
    catalogue::Query query = in_state(state);
    query.sort = kEndedFact;
    Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    catalogue::Batch batch;
    for (const auto& record : page->records) {
      const Result<Work> work = decode_(record);
      if (!work || work->updated >= until) continue;
      batch.removes.push_back({collection_, record.id, record.revision});
    }
    if (batch.empty()) continue;
    Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
    if (!applied) co_return applied;
  }
  co_return Result<void>{};
}

}  // namespace visor::service
