#include "service/trail.h"

#include <utility>

#include "base/log.h"

namespace visor::service {

Trail::Trail(audit::Log* log, const Principal& who, std::string verb) : log_(log) {
  if (log_ != nullptr) event_ = audit::event_of(who, std::move(verb));
}

void Trail::tell(const image::Image& image) {
  if (log_ == nullptr) return;
  event_.image = image.id;
  event_.size = image.size;
  const auto digest = image.digests.find(DigestAlgorithm::sha256);
  event_.sha256 = digest == image.digests.end() ? "" : digest->second;
}

Result<void> Trail::begin() {
  if (log_ == nullptr || begun_ != 0) return {};
  event_.outcome = audit::Outcome::begun;
  const auto told = log_->append_awaited(event_);
  if (!told) return std::unexpected(told.error());
  begun_ = *told;
  return {};
}

void Trail::fail(const Error& error) {
  if (log_ == nullptr) return;
  const bool refused = error.code == Code::unauthenticated || error.code == Code::forbidden ||
                       error.code == Code::quota || (error.code == Code::not_found && hidden_);
  if (!refused && begun_ == 0) return;
  event_.error = error.code;
  append(refused ? audit::Outcome::refused : audit::Outcome::failed);
}

async::Task<Result<void>> Trail::done() {
  if (log_ == nullptr) co_return Result<void>{};
  append(audit::Outcome::done);
  if (begun_ == 0) co_return Result<void>{};
  co_return co_await log_->settled(begun_);
}

// Whatever was begun is on record: that the end of it can't be told is no reason to undo it.
void Trail::append(audit::Outcome outcome) {
  event_.outcome = outcome;
  event_.of = begun_;
  if (const auto told = log_->append(event_); !told) {
    log::failure(log::Level::error, "the audit log lacks the end of something", told.error(),
                 {{"verb", event_.verb},
                  {"outcome", std::string(audit::to_string(outcome))},
                  {"request", event_.request}});
  }
}

std::string names_of(std::span<const image::Edit> edits) {
  std::string names;
  for (const image::Edit& edit : edits) {
    if (names.size() > audit::kLongestDetail) break;
    names += (names.empty() ? "" : ", ") + edit.name;
    if (!edit.extra && edit.name == "access") names += "=" + edit.value;
  }
  return names;
}

}  // namespace visor::service
