#include "http/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <iterator>
#include <string_view>
#include <system_error>

#include "base/log.h"
#include "base/metrics.h"
#include "http/server_core.h"
#include "net/tls_transport.h"

namespace visor::http {
namespace {

constexpr std::chrono::seconds kBetweenWarnings{10};
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n"
    "Content-Length: 100\r\nConnection: close\r\n\r\n"
    "The server has as many connections as it takes, in all or from your address; try again in a "
    "moment.\n";

// Of all servers of the process.
struct ConnectionMetrics {
  metrics::Counter& accepted = metrics::Registry::process().counter(
      "visor_http_connections_total", "Connections that were accepted.");
  metrics::Counter& over_total = refused("total");
  metrics::Counter& over_address = refused("address");

  static metrics::Counter& refused(std::string_view cap) {
    return metrics::Registry::process().counter(
        "visor_http_connections_refused_total",
        "Connections that were closed at once, by the cap that was reached.", {{"cap", cap}});
  }
  static ConnectionMetrics& of_process() {
    static ConnectionMetrics instance;
    return instance;
  }
};

// A client that wants TLS would take the answer for nonsense, and a handshake costs what is
// lacking.
void turn_away(int socket, bool wants_tls) {
  if (!wants_tls) {
    [[maybe_unused]] const ssize_t sent =
        ::send(socket, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::close(socket);
}

}  // namespace

Result<std::string> Server::Core::listen_for(const Mount& mount, net::InheritedSockets* inherited) {
  Result<net::Address> address = net::parse_address(mount.address);
  if (!address) return pass(address);
  for (const Listening& other : listening) {
    if (address->port() == 0 || other.asked != *address) continue;
    if (other.handler == mount.handler && other.tls == mount.tls) {
      return other.where.address.text();
    }
    return fail(Code::invalid, "two services are to listen on " + address->text() +
                                   "; give each of them an address of its own");
  }
  Result<net::ListeningAddress> where = net::listen(loops, *address, inherited);
  if (!where) return pass(where);
  listening.push_back({*address, std::move(*where), mount.handler, mount.tls});
  return listening.back().where.address.text();
}

Result<void> Server::Core::listen(net::InheritedSockets* inherited) {
  for (const Mount& mount : options.mounts) {
    Result<std::string> address = listen_for(mount, inherited);
    if (!address) {
      listening.clear();
      addresses.clear();
      return pass(address);
    }
    addresses.push_back(std::move(*address));
  }
  return {};
}

void Server::Core::accept(std::size_t loop, const Listening& at, int socket,
                          const net::Address& peer) {
  using Refusal = net::ConnectionCaps::Refusal;
  LoopSide& side = *sides[loop];
  async::DrainGate::Pass pass = gate.enter();
  if (!pass || side.context.stopping) {
    ::close(socket);
    return;
  }
  net::ConnectionCaps::Permit permit;
  Refusal refusal = caps.admit(peer, false, permit);
  if (refusal == Refusal::total && !side.waiting.empty()) {
    side.waiting.front().evict();
    refusal = caps.admit(peer, true, permit);
  }
  ConnectionMetrics& counts = ConnectionMetrics::of_process();
  if (refusal != Refusal::none) {
    (refusal == Refusal::total ? counts.over_total : counts.over_address).add();
    turn_away(socket, at.tls != nullptr);
    return;
  }
  counts.accepted.add();
  std::unique_ptr<net::Transport> transport;
  try {
    transport = at.tls ? net::tls_transport(loops[loop], socket, peer.host_text(), at.tls)
                       : net::tcp_transport(loops[loop], socket, peer.host_text());
  } catch (const std::exception& shortage) {
    // The system can't watch one more socket: this client is lost, the loop and all others are not.
    log::error("a connection could not be taken", {{"reason", shortage.what()}});
    return;
  }
  side.busy.emplace_back(side, std::move(transport), std::move(permit), std::move(pass));
  Connection& connection = side.busy.back();
  connection.place = std::prev(side.busy.end());
  async::detach(serve(connection.transport(), *at.handler, side.context, connection),
                "http.connection");
}

void Server::Core::start_listeners(std::size_t loop) {
  for_listeners(loop, [this, loop](net::Listener& listener, const Listening& entry) {
    listener.start([this, loop, at = &entry](int socket, const net::Address& peer) {
      accept(loop, *at, socket, peer);
    });
  });
}

Server::Server(Options options) : core_(std::make_unique<Core>(std::move(options))) {}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

Result<void> Server::start(net::InheritedSockets* inherited) {
  ConnectionMetrics::of_process();  // so that they show before the first connection
  if (Result<void> listened = core_->listen(inherited); !listened) return listened;
  for (std::size_t i = 0; i < core_->loops.size(); ++i) {
    core_->sides.push_back(
        std::make_unique<LoopSide>(core_->options.limits, core_->options.on_done, core_->requests));
  }
  // Nobody is let in before all threads are there.
  try {
    core_->loops.start();
  } catch (const std::system_error& shortage) {
    core_->loops.stop_and_join();
    core_->listening.clear();
    return fail(Code::unavailable,
                "the system gives the server no more threads for its event loops; raise the limit "
                "of processes, or lower threads: loops in the configuration",
                shortage.what());
  }
  core_->on_each_loop([this](std::size_t loop) { core_->start_listeners(loop); });
  core_->running = true;
  return {};
}

const std::vector<std::string>& Server::addresses() const { return core_->addresses; }

void Server::stop(std::chrono::milliseconds grace) {
  if (!std::exchange(core_->running, false)) return;
  Core& core = *core_;
  for (std::size_t i = 0; i < core.loops.size(); ++i) {
    core.loops[i].post([&core, i] {
      core.for_listeners(i, [](net::Listener& listener, const auto&) { listener.close(); });
      LoopSide& side = *core.sides[i];
      side.context.stopping = true;
      while (!side.waiting.empty()) side.waiting.front().evict();
    });
  }
  core.gate.close();
  if (!core.gate.wait_empty(grace)) {
    if (core.options.on_cut) core.options.on_cut();
    for (std::size_t i = 0; i < core.loops.size(); ++i) {
      core.loops[i].post([&core, i] {
        for (Connection& connection : core.sides[i]->busy) connection.transport().cancel();
      });
    }
    while (!core.gate.wait_empty(kBetweenWarnings)) {
      log::warning("the server stops as soon as its last requests are done",
                   {{"connections", std::to_string(core.gate.inside())}});
    }
  }
  core.loops.stop_and_join();
}

std::size_t Server::connections() const { return core_->caps.connections(); }
std::size_t Server::open_connections() const { return core_->gate.inside(); }
std::size_t Server::requests() const { return core_->requests.load(std::memory_order_relaxed); }
std::size_t Server::loops() const { return core_->loops.size(); }
async::Executor& Server::executor(std::size_t loop) { return core_->loops[loop]; }

}  // namespace visor::http
