// Drain gate: counts what is under way so that a stop can wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace visor::async {

/// Operations enter and leave; `close` turns newcomers away and `wait_empty` blocks until the last
/// one has left. Thread-safe.
class DrainGate {
 public:
  /// Leaves the gate when it goes. False if the gate was closed already.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(DrainGate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    Pass& operator=(Pass&& other) noexcept;
    ~Pass();
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    DrainGate* gate_ = nullptr;
  };

  Pass enter();
  void close();
  /// Whether everything left before `timeout` had passed. Blocks: never on an event loop.
  bool wait_empty(std::chrono::milliseconds timeout);
  std::size_t inside() const;

 private:
  void leave();
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::size_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace visor::async
