#include "front/identity/trail.h"

#include <utility>

namespace visor::front::identity {
namespace {

std::string words_of(const auth::Token& token) {
  std::string words;
  for (const std::string& method : token.methods) words += method + " ";
  words += token.scope == auth::TokenScope::system ? "for the system"
           : token.scope == auth::TokenScope::none ? "for no project"
                                                   : "for the project";
  return words;
}

audit::Event event_of(const Call& call, const auth::GoodToken& good, std::string verb) {
  // The account, though the token may be for no project.
  Principal who = good.account->principal;
  who.administrator = good.principal().administrator;
  who.origin = {call.request.id, call.request.peer};
  audit::Event event = audit::event_of(who, std::move(verb));
  event.subject = good.token.account;
  return event;
}

}  // namespace

Trail::Trail(audit::Log* log, const Call& call, std::string verb, std::string detail)
    : log_(log), event_(event_of(call, call.who, std::move(verb))) {
  event_.detail = std::move(detail);
}

Result<void> Trail::begin() {
  if (log_ == nullptr) return {};
  audit::Event event = event_;
  event.outcome = audit::Outcome::begun;
  auto sequence = log_->append(event);
  if (!sequence) return pass(sequence);
  event_.of = *sequence;
  return {};
}

async::Task<Result<void>> Trail::end(const Error* error, std::string detail) {
  if (log_ == nullptr) co_return Result<void>{};
  event_.detail = std::move(detail);
  if (error != nullptr) {
    event_.outcome =
        error->code == Code::forbidden ? audit::Outcome::refused : audit::Outcome::failed;
    event_.error = error->code;
    // The log itself says so if it can't be written.
    [[maybe_unused]] const auto told = log_->append(event_);
    co_return Result<void>{};
  }
  event_.outcome = audit::Outcome::done;
  auto sequence = log_->append_awaited(event_);
  if (!sequence) co_return pass(sequence);
  auto settled = co_await log_->settled(*sequence);
  co_return settled;
}

void tell_login(audit::Log* log, const Call& call, const auth::GoodToken& good) {
  if (log == nullptr) return;
  audit::Event event = event_of(call, good, "token.create");
  event.detail = words_of(good.token);
  [[maybe_unused]] const auto told = log->append(event);
}

void tell_refused_login(audit::Log* log, const Call& call, std::string_view claimed,
                        const Error& error) {
  if (log == nullptr) return;
  if (error.code != Code::unauthenticated && error.code != Code::rate_limited) return;
  audit::Event event;
  event.verb = "request.authenticate";
  event.outcome = audit::Outcome::refused;
  event.error = error.code;
  event.role = claimed.empty() ? audit::Role::anonymous : audit::Role::claimed;
  event.account = claimed;
  event.request = call.request.id;
  event.from = call.request.peer;
  event.detail = std::string(call.request.head.method) + " " + std::string(call.request.head.path);
  [[maybe_unused]] const auto told = log->append(event);
}

}  // namespace visor::front::identity
