// What tests of catalogue engines share: short ways to make batches, to look at results, to run
// threads.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catalogue/catalogue.h"

namespace visor::catalogue::conformance {

/// Changes that the engine under test is told to keep: few, so that the suite can outrun them.
inline constexpr std::size_t kHistoryRows = 64;

/// A fresh, empty catalogue that lives as long as this object, and whatever it lies on.
class Harness {
 public:
  virtual ~Harness() = default;
  virtual Catalogue& catalogue() = 0;
};

struct Engine {
  std::string name;
  std::function<std::unique_ptr<Harness>()> make;
};
inline void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }
inline std::string engine_name(const ::testing::TestParamInfo<Engine>& info) {
  return info.param.name;
}

inline Put put(std::string id, std::vector<Fact> facts, std::uint64_t expected = 0,
               std::string document = "{}") {
  return Put{Record{"images", std::move(id), 0, std::move(document), std::move(facts)}, expected};
}
inline Batch batch_of(Put one) {
  Batch batch;
  batch.puts.push_back(std::move(one));
  return batch;
}
inline Batch count(const std::string& counter, std::int64_t delta,
                   std::optional<std::int64_t> limit = {}) {
  Batch batch;
  batch.counters.push_back({counter, delta, limit});
  return batch;
}

template <class T>
::testing::AssertionResult is_done(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << result.error().message << " [" << to_string(result.error().code) << ", "
         << result.error().where << "]";
}
template <class T>
::testing::AssertionResult is_refused(Code code, const Result<T>& result) {
  if (result) return ::testing::AssertionFailure() << "not refused";
  if (result.error().message.empty())
    return ::testing::AssertionFailure() << "refused without a sentence";
  if (result.error().code == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "refused as " << to_string(result.error().code) << ": " << result.error().message
         << " [" << result.error().where << "]";
}
#define ASSERT_DONE(...) ASSERT_TRUE(::visor::catalogue::conformance::is_done(__VA_ARGS__))
#define EXPECT_DONE(...) EXPECT_TRUE(::visor::catalogue::conformance::is_done(__VA_ARGS__))
#define EXPECT_REFUSED(code, ...) \
  EXPECT_TRUE(::visor::catalogue::conformance::is_refused(code, __VA_ARGS__))

using Ids = std::vector<std::string>;

// Runs `work(0)` to `work(count - 1)`, each on a thread of its own, all starting together.
inline void together(int count, const std::function<void(int)>& work) {
  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&, index] {
      ++ready;
      while (ready < count) std::this_thread::yield();
      work(index);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace visor::catalogue::conformance
