// Private to this folder: what a server is made of.
#pragma once

#include <atomic>
#include <latch>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/drain_gate.h"
#include "http/server.h"
#include "http/under_way.h"
#include "net/connection_caps.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/transport.h"

namespace visor::http {

// Behind the head there is room for a pipelined request or the start of a body.
inline constexpr std::size_t kInputSlack = 4096;
inline constexpr std::size_t kInputsKept = 32;
inline constexpr std::size_t kSliceSize = 256 * 1024;
inline constexpr std::size_t kSlicesKept = 8;

class Connection;
using Connections = std::list<Connection>;

// What belongs to one loop's thread.
struct LoopSide {
  LoopSide(const Limits& limits, const OnDone& on_done, std::atomic<std::size_t>& requests)
      : inputs(limits.head_bytes + kInputSlack, kInputsKept),
        slices(kSliceSize, kSlicesKept),
        context{limits, on_done, requests, inputs, slices} {}

  async::BufferPool inputs;
  async::BufferPool slices;
  SessionContext context;
  Connections waiting;  // for a request; the longest waiting first
  Connections busy;
};

// A connection in its loop's books.
class Connection final : public SessionObserver {
 public:
  Connection(LoopSide& side, std::unique_ptr<net::Transport> transport,
             net::ConnectionCaps::Permit permit, async::DrainGate::Pass pass)
      : transport_(std::move(transport)),
        side_(side),
        pass_(std::move(pass)),
        permit_(std::move(permit)) {}

  void idle(bool is_idle) override {
    if (is_idle == idle_) return;
    Connections& from = idle_ ? side_.waiting : side_.busy;
    Connections& to = is_idle ? side_.waiting : side_.busy;
    to.splice(to.end(), from, place);
    idle_ = is_idle;
  }

  // Ends an idle connection; it counts as busy until it is gone.
  void evict() {
    idle(false);
    transport_->cancel();
  }

  const UnderWay* request() const { return under_way; }

  void ended() override { (idle_ ? side_.waiting : side_.busy).erase(place); }

  net::Transport& transport() { return *transport_; }

  Connections::iterator place;

 private:
  std::unique_ptr<net::Transport> transport_;
  LoopSide& side_;
  async::DrainGate::Pass pass_;  // given back after the permit
  net::ConnectionCaps::Permit permit_;
  bool idle_ = false;
};

struct Server::Core final : LiveRequests {
  explicit Core(Options the_options)
      : options(std::move(the_options)),
        caps({options.limits.connections, options.limits.connections_per_address,
              options.limits.count_loopback}),
        loops(options.loops) {}

  struct Listening {
    net::Address asked;
    net::ListeningAddress where;
    Handler* handler;
    std::shared_ptr<net::TlsContext> tls;
  };

  Result<void> listen(net::InheritedSockets* inherited);
  Result<std::string> listen_for(const Mount& mount, net::InheritedSockets* inherited);
  void start_listeners(std::size_t loop);
  template <class Work>
  void on_each_loop(Work work);
  template <class Work>
  void for_listeners(std::size_t loop, Work work);
  template <class Visit>
  void visit_requests(std::size_t loop, Visit visit);
  bool seal(std::size_t loop, bool evict);
  async::Task<std::vector<LiveRequest>> list() override;
  async::Task<bool> cancel(std::string id) override;
  void accept(std::size_t loop, const Listening& at, int socket, const net::Address& peer);

  const Options options;
  async::DrainGate gate;
  net::ConnectionCaps caps;
  std::atomic<std::size_t> requests = 0;
  std::vector<std::unique_ptr<LoopSide>> sides;
  net::EventLoops loops;
  std::vector<Listening> listening;
  std::vector<std::string> addresses;
  bool running = false;
};

template <class Work>
void Server::Core::for_listeners(std::size_t loop, Work work) {
  for (Listening& entry : listening) {
    for (std::size_t i = loop; i < entry.where.listeners.size(); i += loops.size()) {
      work(*entry.where.listeners[i], entry);
    }
  }
}

// Does `work(loop)` on every loop's thread and waits for all of them.
template <class Work>
void Server::Core::on_each_loop(Work work) {
  std::latch done(static_cast<std::ptrdiff_t>(loops.size()));
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops[i].post([&work, &done, i] {
      work(i);
      done.count_down();
    });
  }
  done.wait();
}

template <class Visit>
void Server::Core::visit_requests(std::size_t loop, Visit visit) {
  for (Connection& connection : sides[loop]->busy) {
    if (connection.request() != nullptr) visit(connection, *connection.request());
  }
}

}  // namespace visor::http
