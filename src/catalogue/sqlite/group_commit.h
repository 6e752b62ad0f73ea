// One writer for all: changes that arrive while a commit runs are made durable together by the next
// one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "catalogue/sqlite/batch_writer.h"
#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// Owns the connection that writes. Whoever finds no commit running leads: it executes all that
/// waits in one transaction, each piece in a savepoint of its own, with one fsync at the end; the
/// others wait for it. Thread-safe.
class GroupCommit {
 public:
  /// A piece of work inside the transaction. What it refuses (an error returned) undoes it alone;
  /// what it throws undoes all.
  using Work = std::function<Result<void>(Connection&, Effects&)>;

  /// The history keeps at least `history_rows` changes, and at most an eighth more.
  GroupCommit(Connection connection, std::int64_t history_rows);

  /// Runs the work and returns once its outcome is durable. Blocks.
  Result<void> perform(const Work& work);

  /// How many pieces wait for the next commit.
  std::size_t waiting() const;

 private:
  struct Waiting {
    const Work* work = nullptr;
    Result<void> result;
    bool done = false;
    std::condition_variable wake;
  };

  void lead(std::unique_lock<std::mutex>& lock);
  void execute(const std::vector<Waiting*>& group);
  void execute_in_transaction(const std::vector<Waiting*>& group);

  Connection connection_;  ///< the leader's alone
  const std::int64_t history_rows_;
  const std::uint64_t trim_after_;
  std::uint64_t logged_since_trim_;

  mutable std::mutex mutex_;
  std::deque<Waiting*> queue_;
  bool leading_ = false;
};

}  // namespace visor::catalogue::sqlite
