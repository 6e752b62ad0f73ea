#include "service/upload.h"

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "async/executor.h"
#include "async/when_all.h"
#include "base/digest_group.h"
#include "format/recognise.h"
#include "service/measures.h"

namespace visor::service {
namespace {

using Bytes = std::span<const std::byte>;

// One that is received, and two by which the writer and the digests may be behind: with the buffers
// of the connection this stays below the 2 MiB that a transfer may have.
constexpr std::uint64_t kSlices = 3;

// Digesting this takes less time than telling another thread to do it.
constexpr std::size_t kDigestedInPlace = 16 * 1024;

// The slices of one upload on their way: a ring that the source fills, and that the writer and each
// group of digests empties at its own pace. Source and writer run on the upload's executor, the
// digests on the pool; a slice's memory is used again when the last of them is done with it.
class Pipeline : public std::enable_shared_from_this<Pipeline> {
 public:
  explicit Pipeline(UploadPass pass_through)
      : on_(pass_through), executor_(async::Executor::current()) {
    for (const auto& group : digest_groups(on_.digests)) {
      lanes_.push_back(std::make_unique<Lane>(*this, DigestGroup(group)));
    }
  }

  /// Fills slices until the stream ends or something fails; then waits until no thread uses them.
  async::Task<Result<void>> receive_all();
  /// Writes the slices in their order.
  async::Task<Result<void>> write_all();
  /// After both. A thread of the pool may hold the pipeline a little longer, but not their memory.
  void give_slices_back() { slices_ = {}; }
  Received finish();

 private:
  struct Slice {
    async::Buffer buffer;
    std::size_t count = 0;
  };
  struct Lane final : DigestedStream {
    Lane(Pipeline& the_pipeline, DigestGroup its_digests)
        : pipeline(the_pipeline), digests(std::move(its_digests)) {}
    DigestGroup& group() override { return digests; }
    Bytes slice() override { return pipeline.slice_of(*this); }
    bool done() override { return pipeline.digested(*this); }

    Pipeline& pipeline;
    DigestGroup digests;
    std::uint64_t count = 0;  ///< slices digested
    bool running = false;     ///< with the queue
  };
  using Condition = bool (Pipeline::*)() const;

  // Suspends until a condition holds. One may wait in each of the two places.
  struct Waiter {
    std::coroutine_handle<> handle;
    Condition condition = nullptr;
  };
  struct Until {
    Pipeline& pipeline;
    Waiter& place;
    Condition condition;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      const std::lock_guard lock(pipeline.mutex_);
      if ((pipeline.*condition)()) return false;
      place = {handle, condition};
      return true;
    }
    void await_resume() const noexcept {}
  };
  Until receiver_until(Condition condition) { return {*this, receiver_, condition}; }
  Until writer_until(Condition condition) { return {*this, writer_, condition}; }

  // With the mutex held.
  bool may_fill() const { return failed_ || published_ < done_by_all() + kSlices; }
  bool may_write() const { return failed_ || ended_ || written_ < published_; }
  bool at_rest() const;
  std::uint64_t done_by_all() const;
  std::coroutine_handle<> take_ready(Waiter& waiter);

  async::Task<Result<void>> fill_slices();
  async::Task<Result<std::size_t>> fill(std::span<std::byte> into);
  async::Task<Result<void>> write_slices();
  void publish(std::size_t count);
  Bytes slice_of(const Lane& lane);
  bool digested(Lane& lane);
  void change(auto what);
  Slice& slice(std::uint64_t number) { return slices_[number % kSlices]; }
  Bytes content(std::uint64_t number) {
    const Slice& one = slice(number);
    return one.buffer.bytes().first(one.count);
  }

  const UploadPass on_;
  async::Executor* const executor_;
  format::Recogniser recogniser_;
  std::uint64_t size_ = 0;
  std::array<Slice, kSlices> slices_;

  std::mutex mutex_;  ///< over what follows
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::uint64_t published_ = 0;  ///< slices that are filled
  std::uint64_t written_ = 0;    ///< of these
  bool ended_ = false;           ///< no more slices come
  bool failed_ = false;          ///< what is there already need not be worked at any more
  Waiter receiver_;
  Waiter writer_;
};

std::uint64_t Pipeline::done_by_all() const {
  std::uint64_t done = written_;
  for (const auto& lane : lanes_) done = std::min(done, lane->count);
  return done;
}

bool Pipeline::at_rest() const {
  for (const auto& lane : lanes_) {
    if (lane->running || (!failed_ && lane->count < published_)) return false;
  }
  return true;
}

std::coroutine_handle<> Pipeline::take_ready(Waiter& waiter) {
  if (!waiter.handle || !(this->*waiter.condition)()) return {};
  return std::exchange(waiter.handle, {});
}

// Changes the state and lets go on who waited for that. The writer at once, if this is its thread:
// the disk must not wait while the receiver, which comes later, has much to take.
void Pipeline::change(auto what) {
  std::coroutine_handle<> writer;
  std::coroutine_handle<> receiver;
  // Whoever goes on may drop the last other reference.
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    what();
    writer = take_ready(writer_);
    receiver = take_ready(receiver_);
  }
  if (receiver) executor_->post([receiver] { receiver.resume(); });
  if (!writer) return;
  if (async::Executor::current() == executor_) {
    writer.resume();
  } else {
    executor_->post([writer] { writer.resume(); });
  }
}

async::Task<Result<void>> Pipeline::receive_all() {
  Result<void> outcome;
  std::exception_ptr defect;
  try {
    outcome = co_await fill_slices();
  } catch (const std::exception&) {
    defect = std::current_exception();
  }
  const bool failing = defect != nullptr || !outcome;
  change([this, failing] {
    ended_ = true;
    failed_ = failed_ || failing;
  });
  Until rest = receiver_until(&Pipeline::at_rest);
  co_await rest;
  if (defect) std::rethrow_exception(defect);
  co_return outcome;
}

async::Task<Result<void>> Pipeline::fill_slices() {
  while (true) {
    Until room = receiver_until(&Pipeline::may_fill);
    co_await room;
    // The writer tells why.
    if (failed_) co_return Result<void>{};
    Slice& next = slice(published_);
    if (!next.buffer) next.buffer = on_.slices.lease();
    const std::span<std::byte> into = next.buffer.bytes();
    Result<std::size_t> count = co_await fill(into);
    if (!count) co_return pass(count);
    if (*count == 0 || failed_) co_return Result<void>{};
    size_ += *count;
    Result<void> reserved = co_await on_.reserve(size_);
    if (!reserved) co_return pass(reserved);
    recogniser_.feed(into.first(*count));
    publish(*count);
    // A slice that was not filled was the last one: asking again would read past the end.
    if (*count < into.size()) co_return Result<void>{};
  }
}

async::Task<Result<std::size_t>> Pipeline::fill(std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size() && !failed_) {
    const std::span<std::byte> rest = into.subspan(filled);
    Result<std::size_t> count = co_await on_.source.read(rest);
    if (!count) co_return pass(count);
    if (*count == 0) break;
    filled += *count;
  }
  co_return filled;
}

void Pipeline::publish(std::size_t count) {
  slice(published_).count = count;
  if (count <= kDigestedInPlace) {
    const std::lock_guard lock(mutex_);
    for (const auto& lane : lanes_) {
      if (lane->running || lane->count < published_) continue;
      lane->digests.update(content(published_));
      ++lane->count;
    }
  }
  change([this] {
    ++published_;
    for (std::size_t kind = 0; kind < lanes_.size(); ++kind) {
      Lane& lane = *lanes_[kind];
      if (lane.running || lane.count >= published_) continue;
      on_.digest_queue.add(std::shared_ptr<Lane>(shared_from_this(), &lane), kind);
      lane.running = true;
    }
  });
}

Bytes Pipeline::slice_of(const Lane& lane) {
  const std::lock_guard lock(mutex_);
  return failed_ ? Bytes() : content(lane.count);
}

bool Pipeline::digested(Lane& lane) {
  bool again = false;
  change([&] {
    if (!failed_) ++lane.count;
    again = !failed_ && lane.count < published_;
    lane.running = again;
  });
  return again;
}

async::Task<Result<void>> Pipeline::write_all() {
  Result<void> outcome;
  std::exception_ptr defect;
  try {
    outcome = co_await write_slices();
  } catch (const std::exception&) {
    defect = std::current_exception();
  }
  if (defect || !outcome) change([this] { failed_ = true; });
  if (defect) std::rethrow_exception(defect);
  co_return outcome;
}

async::Task<Result<void>> Pipeline::write_slices() {
  while (true) {
    Until work = writer_until(&Pipeline::may_write);
    co_await work;
    if (failed_ || written_ == published_) co_return Result<void>{};
    const Bytes bytes = content(written_);
    Result<void> written = co_await on_.writer.write(bytes);
    if (!written) co_return written;
    Measures::of_process().uploaded_bytes.add(bytes.size());
    change([this] { ++written_; });
  }
}

Received Pipeline::finish() {
  Received received;
  received.size = size_;
  for (const auto& lane : lanes_) received.digests.merge(lane->digests.finish());
  received.detected_format = recogniser_.name();
  return received;
}

}  // namespace

async::Task<Result<Received>> receive(UploadPass pass_through) {
  const auto pipeline = std::make_shared<Pipeline>(pass_through);
  std::vector<async::Task<Result<void>>> steps;
  // In this order: where both fail, the writer's error is the cause.
  steps.push_back(pipeline->write_all());
  steps.push_back(pipeline->receive_all());
  Result<void> done = co_await async::when_all(std::move(steps));
  pipeline->give_slices_back();
  if (!done) co_return pass(done);
  co_return pipeline->finish();
}

}  // namespace visor::service
