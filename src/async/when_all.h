// Fork and join of tasks.
#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "base/error.h"

namespace visor::async {

/// Runs all `tasks` at once and waits for every one of them, also after one failed; then the first
/// error or exception in their order, or success. All of them and the awaiter run on the awaiter's
/// executor.
Task<Result<void>> when_all(std::vector<Task<Result<void>>> tasks);

}  // namespace visor::async
