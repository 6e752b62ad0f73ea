// Socket addresses.
#pragma once

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace visor::net {

/// An IPv4 or IPv6 address with a port.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  bool loopback() const;

  /// "127.0.0.1", "2001:db8::1"; an IPv4 address that came in over IPv6 is shown as IPv4.
  std::string host_text() const;
  /// "127.0.0.1:4568", "[::1]:4568".
  std::string text() const;
  /// The address without its port, IPv4 mapped into IPv6: a key for counting.
  std::array<unsigned char, 16> host_key() const;

  friend bool operator==(const Address& left, const Address& right);
};

/// Reads `host:port`, where host is an IPv4 address, an IPv6 address in brackets, a name that this
/// machine can resolve (the first address counts, IPv4 before IPv6), or `*` or nothing for all
/// addresses. May block on a name: for start-up.
Result<Address> parse_address(std::string_view text);

/// This end of a socket as "address:port"; empty if the socket has none.
std::string local_address_of(int socket);

}  // namespace visor::net
