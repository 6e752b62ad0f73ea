// The parts of a server that let another one take over, and that show its requests.
#include <algorithm>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>

#include "async/executor.h"
#include "http/server_core.h"

namespace visor::http {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{5};

}  // namespace

// Whether nothing that needs more than its client is under way on the loop; then nothing can begin
// there any more.
bool Server::Core::seal(std::size_t loop, bool evict) {
  LoopSide& side = *sides[loop];
  while (evict && !side.waiting.empty()) side.waiting.front().evict();
  bool quiet = side.waiting.empty();
  for (const Connection& connection : side.busy) {
    quiet = quiet && connection.request() != nullptr && connection.request()->self_contained;
  }
  if (quiet) side.context.stopping = true;
  return quiet;
}

namespace {

// Has something done on every loop and goes on where it was awaited.
class OnEachLoop {
 public:
  OnEachLoop(net::EventLoops& loops, std::move_only_function<void(std::size_t)> work)
      : loops_(loops), work_(std::move(work)), left_(loops.size()) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    async::Executor* home = async::Executor::current();
    const std::size_t count = loops_.size();
    // Once the last one is posted, this object may be gone at any time.
    for (std::size_t i = 0; i < count; ++i) {
      loops_[i].post([this, i, home, awaiting] {
        work_(i);
        if (left_.fetch_sub(1) == 1) home->post([awaiting] { awaiting.resume(); });
      });
    }
  }
  void await_resume() const noexcept {}

 private:
  net::EventLoops& loops_;
  std::move_only_function<void(std::size_t)> work_;
  std::atomic<std::size_t> left_;
};

}  // namespace

async::Task<std::vector<LiveRequest>> Server::Core::list() {
  std::vector<std::vector<LiveRequest>> found(loops.size());
  OnEachLoop looked(loops, [this, &found](std::size_t loop) {
    visit_requests(loop, [&](Connection&, const UnderWay& request) {
      found[loop].push_back(request.snapshot());
    });
  });
  co_await looked;
  std::vector<LiveRequest> all;
  for (std::vector<LiveRequest>& of_loop : found) {
    std::ranges::move(of_loop, std::back_inserter(all));
  }
  co_return all;
}

async::Task<bool> Server::Core::cancel(std::string id) {
  std::atomic<bool> found = false;
  OnEachLoop looked(loops, [this, &found, &id](std::size_t loop) {
    visit_requests(loop, [&](Connection& connection, const UnderWay& request) {
      if (*request.id != id) return;
      found = true;
      connection.transport().cancel();
    });
  });
  co_await looked;
  co_return found;
}

void Server::pause() {
  Core& core = *core_;
  core.on_each_loop([&core](std::size_t loop) {
    core.for_listeners(loop, [](net::Listener& listener, const auto&) { listener.pause(); });
    core.sides[loop]->context.closing = true;
  });
}

bool Server::settle(std::chrono::milliseconds grace, std::chrono::milliseconds patience,
                    const std::function<bool()>& give_up) {
  using Steady = std::chrono::steady_clock;
  Core& core = *core_;
  const auto began = Steady::now();
  while (true) {
    const auto passed = Steady::now() - began;
    std::atomic<bool> quiet = true;
    core.on_each_loop([&](std::size_t loop) {
      if (!core.seal(loop, passed >= grace)) quiet = false;
    });
    if (quiet) return true;
    if (passed >= patience || (give_up && give_up())) return false;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

void Server::cut() {
  Core& core = *core_;
  core.on_each_loop([&core](std::size_t loop) {
    for (Connection& connection : core.sides[loop]->busy) {
      const UnderWay* request = connection.request();
      if (request == nullptr || !request->self_contained) connection.transport().cancel();
    }
  });
}

void Server::stop_listening() {
  Core& core = *core_;
  core.on_each_loop([&core](std::size_t loop) {
    core.for_listeners(loop, [](net::Listener& listener, const auto&) { listener.close(); });
  });
}

bool Server::alive(std::chrono::milliseconds patience) {
  struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing = 0;
  };
  // A loop may answer when nobody waits any more.
  const auto answers = std::make_shared<Answers>();
  answers->missing = core_->loops.size();
  for (std::size_t i = 0; i < core_->loops.size(); ++i) {
    core_->loops[i].post([answers] {
      const std::lock_guard lock(answers->mutex);
      --answers->missing;
      answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  return answers->changed.wait_for(lock, patience, [&] { return answers->missing == 0; });
}

void Server::resume() {
  Core& core = *core_;
  core.on_each_loop([&core](std::size_t loop) {
    core.sides[loop]->context.stopping = false;
    core.sides[loop]->context.closing = false;
    core.start_listeners(loop);
  });
}

std::vector<Server::ListeningSocket> Server::sockets() const {
  std::vector<ListeningSocket> all;
  for (const Core::Listening& entry : core_->listening) {
    for (std::size_t i = 0; i < entry.where.sockets; ++i) {
      all.push_back({entry.where.listeners[i]->socket(), entry.where.address.text()});
    }
  }
  return all;
}

bool Server::uploads(std::chrono::steady_clock::duration age) {
  Core& core = *core_;
  std::atomic<bool> found = false;
  core.on_each_loop([&](std::size_t loop) {
    core.visit_requests(loop, [&](Connection&, const UnderWay& request) {
      const bool upload = request.request != nullptr && request.head->has_body() &&
                          std::chrono::steady_clock::now() - request.began >= age;
      if (upload) found = true;
    });
  });
  return found;
}

LiveRequests& Server::live() { return *core_; }

}  // namespace visor::http
