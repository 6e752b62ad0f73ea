// Work that several wait for at once and that is done once.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/task.h"

namespace visor::async {

/// Gives everybody who asks for the same key, while the work for it is under way, the value that it
/// ends with. Calls are made on an executor's thread and go on there. Thread-safe; outlives its
/// calls.
template <class T>
class SingleFlight {
 public:
  /// The value of `work`, which is begun unless the key's is under way already.
  Task<T> run(std::string key, std::function<Task<T>()> work) {
    const auto [flight, first] = board(key);
    if (!first) co_return co_await Landing{*this, *flight};
    try {
      Task<T> task = work();
      flight->value.emplace(co_await std::move(task));
    } catch (...) {
      flight->exception = std::current_exception();
    }
    land(key, *flight);
    if (flight->exception) std::rethrow_exception(flight->exception);
    co_return *flight->value;
  }

 private:
  struct Waiter {
    Executor* executor;
    std::coroutine_handle<> handle;
  };
  struct Flight {
    std::optional<T> value;
    std::exception_ptr exception;
    bool landed = false;          // under the mutex
    std::vector<Waiter> waiters;  // likewise
  };
  struct Boarded {
    std::shared_ptr<Flight> flight;
    bool first;
  };

  struct Landing {
    SingleFlight& flights;
    Flight& flight;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiting) {
      const std::scoped_lock lock(flights.mutex_);
      if (flight.landed) return false;
      flight.waiters.push_back({Executor::current(), awaiting});
      return true;
    }
    T await_resume() const {
      if (flight.exception) std::rethrow_exception(flight.exception);
      return *flight.value;
    }
  };

  Boarded board(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    if (flight) return {flight, false};
    flight = std::make_shared<Flight>();
    return {flight, true};
  }

  void land(const std::string& key, Flight& flight) {
    std::vector<Waiter> waiters;
    {
      const std::scoped_lock lock(mutex_);
      flight.landed = true;
      waiters.swap(flight.waiters);
      flights_.erase(key);
    }
    for (const Waiter& waiter : waiters) {
      waiter.executor->post([handle = waiter.handle] { handle.resume(); });
    }
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace visor::async
