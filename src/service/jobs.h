// What the server does by itself: which work, when it ran last, and how that went.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace visor::service {

/// The books of the work in the background. Thread-safe.
class Jobs {
 public:
  struct Status {
    std::string name;
    std::chrono::milliseconds period{0};  ///< 0: it runs once, at the start
    bool running = false;
    std::uint64_t runs = 0;  ///< ended ones
    std::uint64_t failures = 0;
    std::optional<Time> started;            ///< the last run, or the one under way
    std::chrono::microseconds duration{0};  ///< of the last ended run
    std::string failure;                    ///< of the last ended run; empty: it went well
    std::optional<Time> next;
  };

  explicit Jobs(const Clock& clock) : clock_(clock) {}

  /// A job that will run; gives what `run` takes. The books are as old as the object and hold a
  /// fixed number of jobs, so nothing is ever taken out.
  std::size_t add(std::string name, std::chrono::milliseconds period);
  /// Does the work on this thread and keeps the books of it.
  Result<void> run(std::size_t job, const std::function<Result<void>()>& work);

  /// In the order of `add`.
  std::vector<Status> list() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Status> jobs_;
};

}  // namespace visor::service
