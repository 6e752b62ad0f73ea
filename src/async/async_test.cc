#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>

#include "async/buffer_pool.h"
#include "async/byte_source.h"
#include "async/drain_gate.h"
#include "async/executor.h"
#include "async/when_all.h"
#include "async/worker_pool.h"

namespace visor::async {
namespace {

Task<int> answer() { co_return 42; }

Task<int> doubled() {
  const int value = co_await answer();
  co_return 2 * value;
}

TEST(Task, HandsItsValueToItsAwaiter) { EXPECT_EQ(run_until_done(doubled()), 84); }

Task<int> throwing() {
  throw std::runtime_error("boom");
  co_return 0;
}

TEST(Task, PassesAnExceptionToItsAwaiter) {
  EXPECT_THROW(run_until_done(throwing()), std::runtime_error);
}

Task<int> chain(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await chain(depth - 1);
  co_return below + 1;
}

TEST(Task, ChainsDeeplyWithoutUsingTheStackForResumption) {
  EXPECT_EQ(run_until_done(chain(5000)), 5000);
}

TEST(Task, ThatNeverStartsFreesItsFrame) {
  auto task = doubled();
  EXPECT_TRUE(task.valid());
}

Task<bool> runs_elsewhere_and_comes_back(WorkerPool& pool) {
  const auto home = std::this_thread::get_id();
  auto work = []() -> Result<std::thread::id> { return std::this_thread::get_id(); };
  Result<std::thread::id> there = co_await pool.run(work);
  co_return there.has_value() && *there != home&& std::this_thread::get_id() == home;
}

TEST(WorkerPool, RunsWorkOnItsThreadsAndResumesAtHome) {
  WorkerPool pool("test", 2, 8);
  EXPECT_TRUE(run_until_done(runs_elsewhere_and_comes_back(pool)));
}

Task<Result<int>> ask(WorkerPool& pool) {
  auto work = []() -> Result<int> { return 1; };
  co_return co_await pool.run(work);
}
Task<Result<int>> ask_admitted(WorkerPool& pool) {
  auto work = []() -> Result<int> { return 2; };
  co_return co_await pool.run_admitted(work);
}

TEST(WorkerPool, RefusesNewWorkWhenItsQueueIsFullButFinishesWhatWasAdmitted) {
  WorkerPool pool("test", 1, 1);
  std::latch started(1);
  std::latch release(1);
  pool.post([&] {
    started.count_down();
    release.wait();
  });
  started.wait();
  pool.post([] {});
  const Result<int> refused = run_until_done(ask(pool));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::later);
  release.count_down();
  EXPECT_EQ(*run_until_done(ask_admitted(pool)), 2);
}

TEST(WorkerPool, FinishesWhatIsQueuedBeforeItGoes) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool("test", 2, 100);
    for (int i = 0; i < 100; ++i) pool.post([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

Task<Result<int>> throwing_work(WorkerPool& pool) {
  auto work = []() -> Result<int> { throw std::runtime_error("boom"); };
  co_return co_await pool.run(work);
}

TEST(WorkerPool, CarriesAnExceptionBackToTheAwaiter) {
  WorkerPool pool("test", 1, 1);
  EXPECT_THROW(run_until_done(throwing_work(pool)), std::runtime_error);
}

Task<Result<void>> outcome_of(WorkerPool& pool, Code code) {
  auto work = [code]() -> Result<void> {
    if (code != Code::internal) return fail(code, "as asked");
    return {};
  };
  co_return co_await pool.run(work);
}

TEST(WhenAll, WaitsForEveryTaskAndReportsTheFirstErrorInOrder) {
  WorkerPool pool("test", 2, 100);
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(outcome_of(pool, Code::internal));
  tasks.push_back(outcome_of(pool, Code::range));
  tasks.push_back(outcome_of(pool, Code::quota));
  const Result<void> outcome = run_until_done(when_all(std::move(tasks)));
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, Code::range);
}

Task<Result<void>> throws_after(WorkerPool& pool) {
  auto work = []() -> Result<void> { throw std::runtime_error("boom"); };
  co_return co_await pool.run(work);
}

TEST(WhenAll, WaitsForTheOthersAndPassesOnWhatOneOfThemThrew) {
  WorkerPool pool("test", 2, 100);
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(outcome_of(pool, Code::internal));
  tasks.push_back(throws_after(pool));
  tasks.push_back(outcome_of(pool, Code::quota));
  EXPECT_THROW(std::ignore = run_until_done(when_all(std::move(tasks))), std::runtime_error);
}

TEST(WhenAll, OfNothingSucceedsAtOnce) { EXPECT_TRUE(run_until_done(when_all({})).has_value()); }

Task<Result<std::string>> read_text(std::string text, std::size_t limit) {
  const auto source = text_source(std::move(text));
  ByteSource& stream = *source;
  co_return co_await read_all(stream, limit);
}

TEST(ByteSource, OfATextGivesTheTextAndRespectsALimit) {
  EXPECT_EQ(*run_until_done(read_text(std::string(20'000, 'x'), 20'000)), std::string(20'000, 'x'));
  const auto refused = run_until_done(read_text(std::string(20'001, 'x'), 20'000));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::too_large);
}

TEST(BufferPool, GivesTheSameMemoryAgainAfterItCameBack) {
  BufferPool pool(4096, 1);
  const std::byte* first = nullptr;
  {
    const Buffer buffer = pool.lease();
    first = buffer.bytes().data();
    EXPECT_EQ(buffer.bytes().size(), 4096u);
  }
  const Buffer again = pool.lease();
  EXPECT_EQ(again.bytes().data(), first);
}

TEST(DrainGate, TurnsNewcomersAwayOnceClosedAndWaitsForThoseInside) {
  DrainGate gate;
  auto inside = gate.enter();
  ASSERT_TRUE(inside);
  gate.close();
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.wait_empty(std::chrono::milliseconds(0)));
  inside = {};
  EXPECT_TRUE(gate.wait_empty(std::chrono::milliseconds(0)));
}

Task<int> sleeps_then_answers() {
  const sleep_for pause(std::chrono::milliseconds(1));
  auto waiting = pause;
  co_await waiting;
  co_return 7;
}

TEST(Executor, ResumesASleeperAfterItsDelay) {
  EXPECT_EQ(run_until_done(sleeps_then_answers()), 7);
}

}  // namespace
}  // namespace visor::async
