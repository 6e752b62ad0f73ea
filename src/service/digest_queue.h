// Private to this folder: the digests of all uploads that are under way, so that those of many
// streams can be computed together.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "async/worker_pool.h"
#include "base/digest_group.h"

namespace visor::service {

/// A group of digests of one stream, of which slices are there to be digested. Its functions are
/// called by one thread of the pool at a time.
class DigestedStream {
 public:
  virtual DigestGroup& group() = 0;
  /// The slice that is next; empty if there is nothing to do any more.
  virtual std::span<const std::byte> slice() = 0;
  /// That slice is digested. Whether the stream is to be digested on: if not, it is with the queue
  /// no longer, and may have been added again by the time this returns.
  virtual bool done() = 0;

 protected:
  ~DigestedStream() = default;
};

/// Hands streams to the threads of a pool. As long as there are threads enough, each stream gets
/// one of its own; else those of one kind are digested together where that takes much less time
/// (see update_together). Thread-safe.
class DigestQueue {
 public:
  /// The pool outlives all streams, though not necessarily the queue's own jobs.
  explicit DigestQueue(async::WorkerPool& pool);

  /// Groups of one `kind` have the same algorithms.
  void add(std::shared_ptr<DigestedStream> stream, std::size_t kind);

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace visor::service
