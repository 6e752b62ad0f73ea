// Trying again what may go better, until somebody says that it is over.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "client/failure.h"

namespace visor::command {

/// Says to all threads of an import that it is over.
class StopSignal {
 public:
  void stop();
  bool stopped() const { return stopped_; }
  const std::atomic<bool>* flag() const { return &stopped_; }
  /// Waits that long, or until it is over; true if it is.
  bool wait(std::chrono::steady_clock::duration time);

 private:
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// Whether the same again may end better: the service was away, busy or stumbled.
bool may_pass(const client::Failure& failure);
/// The pause behind an attempt that failed; they count from 1. As long as the service asks for, up
/// to five minutes, and longer and longer where it says nothing.
std::chrono::milliseconds pause_after(int attempt, const client::Failure& failure);

/// What `call` gives, which is asked up to `attempts` times as long as its failure may pass.
template <class Call>
auto patiently(int attempts, StopSignal& stop, Call call) -> decltype(call()) {
  for (int attempt = 1;; ++attempt) {
    auto done = call();
    if (done || !may_pass(done.error()) || attempt >= attempts) return done;
    if (stop.wait(pause_after(attempt, done.error()))) return done;
  }
}

}  // namespace visor::command
