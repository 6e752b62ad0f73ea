#include "service/jobs.h"

#include <exception>
#include <utility>

namespace visor::service {

std::size_t Jobs::add(std::string name, std::chrono::milliseconds period) {
  const std::lock_guard lock(mutex_);
  Status job;
  job.name = std::move(name);
  job.period = period;
  job.next = clock_.now() + period;
  jobs_.push_back(std::move(job));
  return jobs_.size() - 1;
}

Result<void> Jobs::run(std::size_t job, const std::function<Result<void>()>& work) {
  {
    const std::lock_guard lock(mutex_);
    Status& status = jobs_[job];
    status.running = true;
    status.started = clock_.now();
    status.next.reset();
  }
  const auto began = std::chrono::steady_clock::now();
  Result<void> outcome;
  try {
    outcome = work();
  } catch (const std::exception& defect) {
    // Memory may have run out for a moment: no reason to end the process.
    outcome = fail(Code::internal, "it ended with an exception", defect.what());
  }
  const std::lock_guard lock(mutex_);
  Status& status = jobs_[job];
  status.running = false;
  ++status.runs;
  if (!outcome) ++status.failures;
  status.failure = outcome ? std::string() : outcome.error().message;
  status.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  if (status.period.count() > 0) status.next = clock_.now() + status.period;
  return outcome;
}

std::vector<Jobs::Status> Jobs::list() const {
  const std::lock_guard lock(mutex_);
  return jobs_;
}

}  // namespace visor::service
