#include "front/operations/readiness.h"

#include <utility>

namespace visor::front::operations {

void Readiness::examine(std::string part, Time now) {
  const std::lock_guard lock(mutex_);
  examined_ = std::move(part);
  since_ = now;
}

void Readiness::finish(Result<void> outcome) {
  const std::lock_guard lock(mutex_);
  examined_.reset();
  outcome_ = std::move(outcome);
}

void Readiness::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
}

Result<void> Readiness::verdict(Time now) const {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(Code::unavailable, "the server is stopping");
  if (examined_ && now - since_ > patience_) {
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - since_);
    return fail(Code::unavailable,
                *examined_ + " has not answered for " + std::to_string(waited.count()) + " s");
  }
  if (!outcome_) return fail(Code::unavailable, "the server is starting");
  if (!*outcome_) return fail(Code::unavailable, outcome_->error().message);
  return {};
}

}  // namespace visor::front::operations
