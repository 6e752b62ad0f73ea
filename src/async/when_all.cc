#include "async/when_all.h"

#include <cstddef>
#include <exception>
#include <utility>

namespace visor::async {
namespace {

// Counts the running tasks down; the last one to end resumes whoever waits. The count starts one
// higher, for the waiting itself, so that tasks which end at once resume nobody.
struct Join {
  std::size_t running;
  std::coroutine_handle<> awaiting;

  bool arrive() { return --running == 0; }

  struct Awaiter {
    Join& join;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) noexcept {
      join.awaiting = handle;
      return !join.arrive();
    }
    void await_resume() const noexcept {}
  };
};

struct Outcome {
  Result<void> result;
  std::exception_ptr exception;
};

// Arrives whatever happens: an exception that ended the branch alone would leave the others'
// awaiter waiting for ever.
Task<void> run_branch(Task<Result<void>> task, Outcome& outcome, Join& join) {
  try {
    outcome.result = co_await std::move(task);
  } catch (...) {
    outcome.exception = std::current_exception();
  }
  if (join.arrive()) join.awaiting.resume();
}

}  // namespace

Task<Result<void>> when_all(std::vector<Task<Result<void>>> tasks) {
  std::vector<Outcome> outcomes(tasks.size());
  Join join{tasks.size() + 1, {}};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    detach(run_branch(std::move(tasks[i]), outcomes[i], join), "when_all");
  }
  Join::Awaiter all{join};
  co_await all;
  for (Outcome& outcome : outcomes) {
    if (outcome.exception) std::rethrow_exception(outcome.exception);
    if (!outcome.result) co_return pass(outcome.result);
  }
  co_return Result<void>{};
}

}  // namespace visor::async
