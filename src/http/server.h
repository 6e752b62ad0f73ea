// The server: listeners, event loops and sessions.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "base/error.h"
#include "http/limits.h"
#include "http/live_requests.h"
#include "http/session.h"

namespace visor::net {
class InheritedSockets;
class TlsContext;
}  // namespace visor::net

namespace visor::http {

/// Serves handlers on addresses. Started and stopped once, by one thread that is none of its loops.
class Server {
 public:
  struct Mount {
    std::string address;         ///< as net::parse_address reads it; port 0 takes a free one
    Handler* handler = nullptr;  ///< outlives the server
    std::shared_ptr<net::TlsContext> tls = {};  ///< null: plain HTTP
  };
  struct Options {
    /// Several addresses may have the same handler; one address can't have two.
    std::vector<Mount> mounts;
    Limits limits;
    std::size_t loops = 0;  ///< 0: as many as processors
    OnDone on_done;
    /// Called by `stop` when it ends what did not finish in time: whatever handlers wait for beside
    /// their connections should end, too.
    std::function<void()> on_cut = {};
  };

  explicit Server(Options options);
  /// Stops at once if that was not done yet.
  ~Server();

  /// Listens and serves. After an error nothing runs; the message names the address and what to do.
  /// Takes what fits among the inherited sockets.
  Result<void> start(net::InheritedSockets* inherited = nullptr);
  /// Where it listens ("127.0.0.1:4568"), in the order of the mounts.
  const std::vector<std::string>& addresses() const;

  // To hand over to another server without losing a request: `pause`, `settle`, pass `sockets` on,
  // `stop`. All of these block and are called by one thread that is none of the loops.

  /// Accepts nothing: newcomers wait in the kernel's queues. What is connected is served on, but
  /// every answer is the last one of its connection.
  void pause();
  /// After `pause`: waits until nothing is under way but answers that are self-contained, and makes
  /// sure that nothing else begins. A connection without a request is closed once `grace` is over,
  /// so that a request that is on its way meets an answer instead of a closed door. False if that
  /// was not reached within `patience`, or `give_up` says so: then requests may go on beginning.
  bool settle(std::chrono::milliseconds grace, std::chrono::milliseconds patience,
              const std::function<bool()>& give_up = {});
  /// Ends every request that is not self-contained; how they end is not waited for.
  void cut();
  /// Closes the listening sockets. What was accepted goes on.
  void stop_listening();
  /// Undoes `pause` and `settle`.
  void resume();
  struct ListeningSocket {
    int descriptor = -1;  ///< the server's
    std::string address;
  };
  /// All that it listens on; they are valid until `stop`.
  std::vector<ListeningSocket> sockets() const;
  /// Whether a request that brings a body is under way, of those that are at least so old.
  bool uploads(std::chrono::steady_clock::duration age);

  LiveRequests& live();

  /// Accepts nothing more, closes idle connections, lets requests that are under way finish for
  /// `grace`, then cancels them, and waits until all of them are gone: a handler that waits for
  /// something else than its connection is waited for. Blocks.
  void stop(std::chrono::milliseconds grace);

  std::size_t connections() const;
  /// Connections that are not ended yet, those that are being closed among them.
  std::size_t open_connections() const;
  /// Whether every event loop answers within `patience`. Blocks.
  bool alive(std::chrono::milliseconds patience);
  /// Under way, over all connections.
  std::size_t requests() const;
  std::size_t loops() const;
  /// An event loop of the server, for background tasks; they must end before `stop`.
  async::Executor& executor(std::size_t loop);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace visor::http
