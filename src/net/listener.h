// Listeners: an address on every event loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/inherited_sockets.h"

namespace visor::net {

/// Receives a connected, non-blocking socket, which it then owns, on the thread of the loop that
/// accepted it.
using Accept = std::function<void(int socket, const Address& peer)>;

/// One listening socket on one loop.
class Listener {
 public:
  /// Takes over a listening socket.
  Listener(EventLoop& loop, int socket);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Accepts until closed. Without file descriptors or memory for another connection it pauses for
  /// a moment, again and again: clients wait in the kernel's queue meanwhile. On the loop's thread,
  /// or before the loop is started.
  void start(Accept accept);
  /// Accepts nothing until `start` is called again: clients wait in the kernel's queue. On the
  /// loop's thread.
  void pause();
  /// On the loop's thread, or when the loop does not run. Nothing is accepted afterwards.
  void close();
  /// The socket, which stays the listener's; -1 once it is closed.
  int socket() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What `listen` gives: at least one listener for each loop, and where they listen.
struct ListeningAddress {
  Address address;  ///< with the real port, if 0 was asked for
  /// The i-th is on the loop with the number i modulo the number of loops.
  std::vector<std::unique_ptr<Listener>> listeners;
  /// How many sockets there are: the first so many listeners have one of their own, others share.
  std::size_t sockets = 0;
};

/// Listens on `address` with one socket a loop (SO_REUSEPORT: the kernel spreads the connections).
/// Fails with a sentence that names the address and what to do if it is in use, not this machine's,
/// or needs a privilege. Another process on the same address is found out even if it shares its
/// port. Sockets of this address among the inherited ones are taken instead: all of them, because
/// clients wait on each, and shared if they are fewer than the loops.
Result<ListeningAddress> listen(EventLoops& loops, const Address& address,
                                InheritedSockets* inherited = nullptr);

}  // namespace visor::net
