// Listening sockets that another process opened: the one before this, or the system's service
// manager.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"

namespace visor::net {

/// Listening sockets to take over. Who is queued on them already is served, not turned away. Owns
/// what nobody has taken.
class InheritedSockets {
 public:
  struct Socket {
    int descriptor = -1;
    std::string name;  ///< what who passed it calls it; may be empty
    Address address;   ///< where it listens
  };

  InheritedSockets() = default;
  InheritedSockets(InheritedSockets&& other) noexcept;
  InheritedSockets& operator=(InheritedSockets&& other) noexcept;
  ~InheritedSockets();

  /// Takes a descriptor over. `invalid` if it is no listening TCP socket; it is closed then.
  /// One that is here already under another number is closed, too.
  Result<void> add(int descriptor, std::string name);

  /// Every socket that listens on `address`, which are the caller's now. With port 0: all those of
  /// the first port that a socket of this host has. Empty if there is none.
  std::vector<Socket> take(const Address& address);

  /// What nobody has taken.
  const std::vector<Socket>& left() const { return sockets_; }

 private:
  void close_all();
  std::vector<Socket> sockets_;
};

}  // namespace visor::net
