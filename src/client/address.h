// Where a server is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::client {

/// The image service's port.
inline constexpr std::uint16_t kDefaultPort = 4568;

/// A server's address: scheme, host and port, with an optional path before the API's own (behind a
/// proxy).
struct Address {
  bool secure = false;
  std::string host = "127.0.0.1";  ///< name or address; IPv6 without its brackets
  std::uint16_t port = kDefaultPort;
  std::string base_path;  ///< "" or "/visor": no slash at its end

  /// "https://host:port/base", the port always there.
  std::string url() const;
  /// What the Host header says: the port is left out if it is the scheme's own.
  std::string host_header() const;
  /// Whether the server is on this machine, so that no proxy must stand between.
  bool loopback() const;
};

/// Reads "host", "host:port", "[::1]:4568", "::1" or a URL. Without a scheme: http. Without a port:
/// `port` if given, else the scheme's own for a URL that names https, else 4568. A port in the text
/// beats `port`. Errors: `invalid`.
Result<Address> parse_address(std::string_view text, std::optional<std::uint16_t> port = {});

/// A port number from 1 to 65535. Errors: `invalid`.
Result<std::uint16_t> parse_port(std::string_view text);

}  // namespace visor::client
