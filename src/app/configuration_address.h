// Addresses as people write them in a configuration or on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::app {

/// An address to listen on: checked for its form, not resolved.
struct ListenAddress {
  /// An IPv4 or IPv6 address in its canonical form and without brackets, or a host name in lower
  /// case.
  std::string host = "127.0.0.1";
  std::uint16_t port = 4568;  ///< 0: any free one

  /// "127.0.0.1:4568", "[::1]:4568": what net::parse_address reads.
  std::string text() const;
  bool operator==(const ListenAddress&) const = default;
};

/// Whether a socket on one address would be in the way of one on the other. Port 0 never is.
bool overlap(const ListenAddress& left, const ListenAddress& right);

/// Reads ADDRESS:PORT, where ADDRESS is an IPv4 address, an IPv6 address in brackets, a host name,
/// or `*` or nothing for all IPv4 addresses. Looks nothing up. Error `invalid`: a sentence
/// with the text, what is wrong with it and how it is written.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// Reads the address under which clients reach the server: http(s)://HOST[:PORT], maybe with a path
/// prefix; no query, fragment or credentials. The text without a slash at its end. Error
/// `invalid` with what is wrong, without the text, which may have credentials in it.
Result<std::string> parse_public_address(std::string_view text);

}  // namespace visor::app
