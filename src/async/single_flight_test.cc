#include "async/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include "async/when_all.h"
#include "async/worker_pool.h"
#include "base/error.h"

namespace visor::async {
namespace {

/// Work that takes until `go` says so.
class Work {
 public:
  Task<int> begin() {
    const int number = ++begun_;
    const std::function<Result<void>()> until_told = [this]() -> Result<void> {
      go.acquire();
      return {};
    };
    const Result<void> told = co_await pool_.run(until_told);
    if (!told || fails) throw std::runtime_error("boom");
    co_return number;
  }
  std::function<Task<int>()> function() {
    return [this] { return begin(); };
  }
  int begun() const { return begun_; }

  std::counting_semaphore<64> go{0};
  bool fails = false;

 private:
  std::atomic<int> begun_ = 0;
  WorkerPool pool_{"work", 2, 100};
};

Task<Result<void>> expect(SingleFlight<int>& flights, Work& work, std::string key, int number) {
  const std::function<Task<int>()> function = work.function();
  const int value = co_await flights.run(key, function);
  EXPECT_EQ(value, number);
  co_return Result<void>{};
}

Task<Result<void>> expect_failure(SingleFlight<int>& flights, Work& work) {
  const std::function<Task<int>()> function = work.function();
  const std::string key = "key";
  bool failed = false;
  try {
    [[maybe_unused]] const int value = co_await flights.run(key, function);
  } catch (const std::runtime_error&) {
    failed = true;
  }
  EXPECT_TRUE(failed);
  co_return Result<void>{};
}

Task<Result<void>> release(Work& work, int count) {
  work.go.release(count);
  co_return Result<void>{};
}

TEST(SingleFlight, WhoeverComesDuringTheWorkSharesItsValue) {
  SingleFlight<int> flights;
  Work work;
  std::vector<Task<Result<void>>> callers;
  for (int i = 0; i < 10; ++i) callers.push_back(expect(flights, work, "key", 1));
  callers.push_back(expect(flights, work, "another", 2));
  callers.push_back(release(work, 2));
  EXPECT_TRUE(run_until_done(when_all(std::move(callers))));
  EXPECT_EQ(work.begun(), 2);
}

TEST(SingleFlight, WhoeverComesAfterwardsBeginsAnew) {
  SingleFlight<int> flights;
  Work work;
  work.go.release(2);
  EXPECT_TRUE(run_until_done(expect(flights, work, "key", 1)));
  EXPECT_TRUE(run_until_done(expect(flights, work, "key", 2)));
}

TEST(SingleFlight, AnExceptionReachesEverybody) {
  SingleFlight<int> flights;
  Work work;
  work.fails = true;
  std::vector<Task<Result<void>>> callers;
  for (int i = 0; i < 5; ++i) callers.push_back(expect_failure(flights, work));
  callers.push_back(release(work, 1));
  EXPECT_TRUE(run_until_done(when_all(std::move(callers))));
  EXPECT_EQ(work.begun(), 1);
}

Task<int> at_once(std::atomic<int>& count) {
  ++count;
  co_return 42;
}

TEST(SingleFlight, CallersOfManyThreadsAllGoOn) {
  SingleFlight<int> flights;
  std::atomic<int> count = 0;
  std::atomic<int> good = 0;
  std::latch all_here{8};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const std::function<Task<int>()> work = [&count] { return at_once(count); };
      all_here.arrive_and_wait();
      for (int round = 0; round < 2000; ++round) {
        if (run_until_done(flights.run("key", work)) == 42) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 16'000);
  EXPECT_LE(count, 16'000);
}

}  // namespace
}  // namespace visor::async
