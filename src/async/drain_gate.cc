#include "async/drain_gate.h"

#include <utility>

namespace visor::async {

DrainGate::Pass& DrainGate::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    if (gate_ != nullptr) gate_->leave();
    gate_ = std::exchange(other.gate_, nullptr);
  }
  return *this;
}

DrainGate::Pass::~Pass() {
  if (gate_ != nullptr) gate_->leave();
}

DrainGate::Pass DrainGate::enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return Pass();
  ++inside_;
  return Pass(this);
}

void DrainGate::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool DrainGate::wait_empty(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, timeout, [this] { return inside_ == 0; });
}

std::size_t DrainGate::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

void DrainGate::leave() {
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0) empty_.notify_all();
}

}  // namespace visor::async
