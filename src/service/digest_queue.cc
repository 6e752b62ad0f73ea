#include "service/digest_queue.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace visor::service {
namespace {

// Fewer together gain nothing.
constexpr std::size_t kFewest = 3;

struct Waiting {
  std::shared_ptr<DigestedStream> stream;
  std::size_t kind = 0;
};

void digest(const std::vector<Waiting>& batch) {
  std::vector<DigestStep> steps;
  for (const Waiting& one : batch) {
    if (const auto bytes = one.stream->slice(); !bytes.empty()) {
      steps.push_back({one.stream->group(), bytes});
    }
  }
  update_together(steps);
}

}  // namespace

// Each stream that is added brings one job to the pool. A job takes as many streams as are to go
// together, so that others may find none.
struct DigestQueue::State : std::enable_shared_from_this<State> {
  explicit State(async::WorkerPool& the_pool) : pool(the_pool) {}

  void add(Waiting one) {
    {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(one));
    }
    pool.post([self = shared_from_this()] { self->run(); });
  }

  bool anybody_waits() {
    const std::lock_guard lock(mutex);
    return !waiting.empty();
  }

  std::vector<Waiting> take() {
    std::vector<Waiting> batch;
    const std::lock_guard lock(mutex);
    if (waiting.empty()) return batch;
    const std::size_t kind = waiting.front().kind;
    const auto same_kind = [kind](const Waiting& one) { return one.kind == kind; };
    std::size_t count = 1;
    if (digests_gain_together() && waiting.size() > pool.threads()) {
      const auto same = static_cast<std::size_t>(std::ranges::count_if(waiting, same_kind));
      if (same >= kFewest) count = std::min(same, kDigestsTogether);
    }
    for (auto next = waiting.begin(); batch.size() < count;) {
      next = std::find_if(next, waiting.end(), same_kind);
      batch.push_back(std::move(*next));
      next = waiting.erase(next);
    }
    return batch;
  }

  void run() {
    std::vector<Waiting> batch = take();
    while (!batch.empty()) {
      digest(batch);
      std::erase_if(batch, [](const Waiting& one) { return !one.stream->done(); });
      // Alone it goes on without a job for each slice, unless another could have the thread.
      if (batch.size() == 1 && !anybody_waits()) continue;
      for (Waiting& one : batch) add(std::move(one));
      return;
    }
  }

  async::WorkerPool& pool;
  std::mutex mutex;
  std::deque<Waiting> waiting;
};

DigestQueue::DigestQueue(async::WorkerPool& pool) : state_(std::make_shared<State>(pool)) {}

void DigestQueue::add(std::shared_ptr<DigestedStream> stream, std::size_t kind) {
  state_->add({std::move(stream), kind});
}

}  // namespace visor::service
