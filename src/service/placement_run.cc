// How placements are taken up, carried out and concluded.
#include <exception>
#include <utility>

#include "async/when_all.h"
#include "base/log.h"
#include "base/random.h"
#include "service/placement_service.h"

namespace visor::service {
namespace {

using Kind = Placement::Kind;
using State = Placement::State;

// One may wait for a slow store without keeping all others.
constexpr int kAtOnce = 2;
// How long one can be looked up that is over.
constexpr auto kKept = std::chrono::hours(24 * 7);

std::string subject_of(const Placement& placement) {
  std::string text = "placement=" + placement.id + " store=" + placement.store;
  if (!placement.from.empty()) text += " from=" + placement.from;
  return text;
}

void tell_begun_again(const Placement& placement) {
  log::info("work that the end of the server cut off begins again",
            {{"placement", placement.id}, {"kind", to_string(placement.kind)}});
}

}  // namespace

async::Task<Result<void>> PlacementService::recover() {
  co_return co_await recorded_.put_back(tell_begun_again);
}

async::Task<void> PlacementService::run() {
  due_ = false;
  std::vector<async::Task<Result<void>>> workers;
  for (int worker = 0; worker < kAtOnce; ++worker) workers.push_back(work());
  Result<void> done = co_await async::when_all(std::move(workers));
  if (done) co_return;
  log::failure(log::Level::warning, "placements wait until they can be looked up", done.error());
  due_ = true;
}

async::Task<Result<void>> PlacementService::work() {
  while (!stopping_) {
    Result<std::optional<Placement>> next = co_await claim();
    if (!next) co_return pass(next);
    if (!*next) break;
    Placement& placement = **next;
    const auto under_way = live(placement.id);
    Live& progress = *under_way;
    Result<void> outcome = co_await carry_out(placement, progress);
    co_await conclude(placement, progress, std::move(outcome));
    leave(placement);
  }
  co_return Result<void>{};
}

async::Task<Result<void>> PlacementService::place(Placement::Kind kind, image::Image image,
                                                  std::string store) {
  Placement placement;
  placement.id = random_uuid();
  placement.kind = kind;
  placement.state = State::running;
  placement.image = image.id;
  placement.blob = image.blob;
  placement.store = std::move(store);
  placement.size = image.size.value_or(0);
  placement.created = on_.clock.now();
  enter(placement);
  const auto progress = live(placement.id);
  Result<void> outcome = co_await recorded_.save(placement);
  if (outcome) {
    Live& watched = *progress;
    outcome = co_await carry_out(placement, watched);
    Result<void> told = outcome;
    co_await conclude(placement, watched, std::move(told));
  }
  leave(placement);
  co_return outcome;
}

async::Task<Result<std::optional<Placement>>> PlacementService::claim() {
  // Before others can read that it runs, so that who cancels it finds it.
  const auto begin = [this](Placement& placement) {
    placement.done = 0;
    return enter(placement);
  };
  const auto give_up = [this](const Placement& placement) { leave(placement); };
  co_return co_await recorded_.claim(begin, give_up);
}

async::Task<Result<void>> PlacementService::carry_out(Placement& placement, Live& live) {
  try {
    if (placement.kind == Kind::scrub) co_return co_await scrub(placement, live);
    co_return co_await relocate(placement, live);
  } catch (const std::exception& defect) {
    co_return fail(Code::internal, "the server failed while it did this", defect.what());
  }
}

async::Task<void> PlacementService::conclude(Placement placement, const Live& live,
                                             Result<void> outcome) {
  if (outcome) {
    tell(placement, audit::Outcome::done, nullptr);
    log::info("placement done", {{"placement", placement.id},
                                 {"kind", to_string(placement.kind)},
                                 {"image", placement.image},
                                 {"store", placement.store}});
    co_return;
  }
  const Error cause = std::move(outcome.error());
  // It begins again with the next start.
  if (stopping_ && !live.cancelled) co_return;
  placement.state = live.cancelled ? State::cancelled : State::failed;
  placement.failure = live.cancelled ? std::string() : cause.message;
  placement.done = live.done;
  placement.updated = on_.clock.now();
  catalogue::Batch batch;
  const Removal removal{placement.store, std::exchange(placement.key, {}), 1};
  // Whether the bytes are there is not certain: a removal settles both cases.
  if (!removal.key.empty()) batch.puts.push_back({encode(removal), 0});
  batch.puts.push_back(put_of(placement));
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (!applied) {
    log::failure(log::Level::error, "the end of a placement could not be recorded", applied.error(),
                 {{"placement", placement.id}});
    co_return;
  }
  tell(placement, audit::Outcome::failed, &cause);
  log::failure(log::Level::warning,
               live.cancelled ? "a placement was cancelled" : "a placement failed", cause,
               {{"placement", placement.id},
                {"kind", to_string(placement.kind)},
                {"image", placement.image},
                {"store", placement.store}});
  if (removal.key.empty()) co_return;
  Result<void> removed = co_await removals_.finish(removal);
  if (!removed) {
    log::failure(log::Level::warning, "what a placement wrote has to wait for its removal",
                 removed.error(), {{"placement", placement.id}});
  }
}

// The log itself says so if it can't be written.
void PlacementService::tell(const Placement& placement, audit::Outcome outcome,
                            const Error* error) {
  if (on_.audit == nullptr) return;
  audit::Event event = audit::own_event("placement." + std::string(to_string(placement.kind)),
                                        subject_of(placement));
  event.outcome = outcome;
  event.image = placement.image;
  event.subject = placement.by;
  if (error != nullptr) event.error = error->code;
  [[maybe_unused]] const auto told = on_.audit->append(event);
}

bool PlacementService::enter(const Placement& placement) {
  const std::lock_guard lock(mutex_);
  return live_.try_emplace(placement.id, std::make_shared<Live>()).second;
}

void PlacementService::leave(const Placement& placement) {
  const std::lock_guard lock(mutex_);
  live_.erase(placement.id);
}

std::shared_ptr<PlacementService::Live> PlacementService::live(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

bool PlacementService::under_way() const {
  const std::lock_guard lock(mutex_);
  return !live_.empty();
}

async::Task<Result<void>> PlacementService::tidy() {
  std::vector<State> ended = {State::done, State::failed, State::cancelled};
  co_return co_await recorded_.forget(std::move(ended), kKept);
}

}  // namespace visor::service
