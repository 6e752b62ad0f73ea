#include "catalogue/sqlite/group_commit.h"

#include <algorithm>
#include <utility>

#include "base/metrics.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kSavepoint = "SAVEPOINT piece";
constexpr const char* kRollbackTo = "ROLLBACK TO piece";
constexpr const char* kRelease = "RELEASE piece";

// More in one transaction would not save much of the fsync and would let the first wait for the
// last.
constexpr std::size_t kLargestGroup = 256;

metrics::Histogram& pieces_of_commits() {
  static metrics::Histogram& histogram = metrics::Registry::process().histogram(
      "visor_catalogue_commit_batches", "Changes that one commit of the catalogue made durable.",
      metrics::Unit::number, metrics::number_bounds());
  return histogram;
}

}  // namespace

GroupCommit::GroupCommit(Connection connection, std::int64_t history_rows)
    : connection_(std::move(connection)),
      history_rows_(std::max<std::int64_t>(history_rows, 1)),
      trim_after_(static_cast<std::uint64_t>(std::clamp<std::int64_t>(history_rows / 8, 1, 256))),
      // The process before may have ended just before it trimmed.
      logged_since_trim_(trim_after_) {
  pieces_of_commits();  // so that it shows before the first commit
}

Result<void> GroupCommit::perform(const Work& work) {
  Waiting waiting;
  waiting.work = &work;
  std::unique_lock lock(mutex_);
  queue_.push_back(&waiting);
  // Whoever leads may have to do so twice: a full group can leave its own piece out.
  for (;;) {
    waiting.wake.wait(lock, [&] { return waiting.done || !leading_; });
    if (waiting.done) return std::move(waiting.result);
    lead(lock);
  }
}

std::size_t GroupCommit::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void GroupCommit::lead(std::unique_lock<std::mutex>& lock) {
  // Memory first: an exception between here and the end would leave the others without a leader.
  std::vector<Waiting*> group;
  group.reserve(std::min(queue_.size(), kLargestGroup));
  leading_ = true;
  while (!queue_.empty() && group.size() < kLargestGroup) {
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  lock.unlock();
  execute(group);
  lock.lock();
  leading_ = false;
  // Told with the lock held: a piece lives on its thread's stack and goes as soon as that thread
  // sees `done`.
  for (Waiting* each : group) {
    each->done = true;
    each->wake.notify_one();
  }
  if (!queue_.empty()) queue_.front()->wake.notify_one();
}

void GroupCommit::execute(const std::vector<Waiting*>& group) {
  pieces_of_commits().observe(group.size());
  auto outcome = guarded("sqlite.commit", [&]() -> Result<void> {
    execute_in_transaction(group);
    return {};
  });
  if (outcome) return;
  if (outcome.error().code == Code::no_space) {
    // The log may be all that fills the disk. Carried over to the file, as far as that goes, its
    // space serves the next commit; how it went does not change what this one is told.
    sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                              nullptr);
  }
  // Nothing of the transaction is there, so that even a refusal may have rested on what is undone.
  logged_since_trim_ = trim_after_;
  for (Waiting* each : group) each->result = std::unexpected<Error>(outcome.error());
}

void GroupCommit::execute_in_transaction(const std::vector<Waiting*>& group) {
  Transaction transaction(connection_, Transaction::Kind::write);
  Effects effects;
  if (group.size() == 1) {
    Waiting& only = *group.front();
    only.result = (*only.work)(connection_, effects);
    if (!only.result) return;
  } else {
    for (Waiting* each : group) {
      Effects own;
      connection_.prepare(kSavepoint).run();
      each->result = (*each->work)(connection_, own);
      if (each->result) {
        effects.add(own);
      } else {
        connection_.prepare(kRollbackTo).run();
        // What the piece was the first to name is unknown again.
        connection_.forget_names();
      }
      connection_.prepare(kRelease).run();
    }
  }
  write_effects(connection_, effects);
  logged_since_trim_ += effects.logged;
  if (effects.logged > 0 && logged_since_trim_ >= trim_after_) {
    trim_history(connection_, history_rows_);
    logged_since_trim_ = 0;
  }
  transaction.commit();
}

}  // namespace visor::catalogue::sqlite
