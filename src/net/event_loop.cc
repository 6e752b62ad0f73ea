#include "net/event_loop.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <utility>

#include "net/loop_core.h"

namespace visor::net {

// Work of post_after: a deadline that owns itself until it has fired.
struct EventLoop::Core::Delayed : Deadlines::Node {
  Delayed(Core& the_core, std::move_only_function<void()> the_work)

      : Node(&Delayed::fire), core(the_core), work(std::move(the_work)) {}

  static void fire(Deadlines::Node& fired) {
    auto* self = static_cast<Delayed*>(&fired);
    self->core.delayed.erase(self);
    const std::unique_ptr<Delayed> owned(self);
    owned->work();
  }

  Core& core;
  std::move_only_function<void()> work;
};

void EventLoop::Core::arm(Deadlines::Node& node, Deadlines::TimePoint time) {
  deadlines.arm(node, time);
  watch_deadlines();
}

// The timer is only ever moved to an earlier time; when it goes off too early it is set again.
void EventLoop::Core::watch_deadlines() {
  if (deadlines.empty() || deadlines.earliest() >= watched) return;
  watched = deadlines.earliest();
  timer.expires_at(watched);
  timer.async_wait([this](error_code error) {
    if (error) return;
    watched = Deadlines::TimePoint::max();
    deadlines.fire_due(std::chrono::steady_clock::now());
    watch_deadlines();
  });
}

void EventLoop::Core::wait_for_turn(std::coroutine_handle<> handle) {
  turns.push_back(handle);
  give_next_turn();
}

void EventLoop::Core::give_next_turn() {
  if (turn_posted || turns.empty()) return;
  turn_posted = true;
  asio::post(context, [this] {
    turn_posted = false;
    const std::coroutine_handle<> next = turns.front();
    turns.pop_front();
    give_next_turn();
    next.resume();
  });
}

EventLoop::EventLoop() : core_(std::make_unique<Core>(*this)) {}

EventLoop::~EventLoop() {
  stop();
  join();
  for (Core::Delayed* delayed : std::exchange(core_->delayed, {})) {
    core_->deadlines.disarm(*delayed);
    delete delayed;
  }
}

void EventLoop::post(std::move_only_function<void()> work) {
  asio::post(core_->context, std::move(work));
}

void EventLoop::post_after(std::chrono::milliseconds delay, std::move_only_function<void()> work) {
  if (core_->stopping) {
    post(std::move(work));
    return;
  }
  auto delayed = std::make_unique<Core::Delayed>(*core_, std::move(work));
  core_->delayed.insert(delayed.get());
  core_->arm(*delayed.release(), std::chrono::steady_clock::now() + delay);
}

void EventLoop::start(const std::string& name) {
  core_->thread = std::thread([this] {
    // sendfile has no way to say "no SIGPIPE", and the process's signals are for its main thread.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const Scope scope(this);
    core_->context.run();
  });
  pthread_setname_np(core_->thread.native_handle(), name.substr(0, 15).c_str());
}

void EventLoop::stop() {
  if (core_->stop_asked.exchange(true) || !core_->thread.joinable()) return;
  post([core = core_.get()] {
    core->stopping = true;
    for (Core::Delayed* delayed : std::exchange(core->delayed, {})) {
      core->deadlines.disarm(*delayed);
      Core::Delayed::fire(*delayed);
    }
    core->timer.cancel();
    core->guard.reset();
  });
}

void EventLoop::join() {
  if (core_->thread.joinable()) core_->thread.join();
}

EventLoops::EventLoops(std::size_t count) {
  if (count == 0) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    count = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                ? static_cast<std::size_t>(CPU_COUNT(&allowed))
                : std::thread::hardware_concurrency();
    if (count == 0) count = 1;
  }
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<EventLoop>());
}

void EventLoops::start() {
  for (std::size_t i = 0; i < loops_.size(); ++i) loops_[i]->start("loop-" + std::to_string(i));
}

void EventLoops::stop_and_join() {
  for (auto& loop : loops_) loop->stop();
  for (auto& loop : loops_) loop->join();
}

}  // namespace visor::net
