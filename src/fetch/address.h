// Addresses of hosts, and which of them are nobody's business outside.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace visor::fetch {

/// An IPv4 or IPv6 address without a port.
struct Address {
  bool is_ipv6 = false;
  std::array<std::uint8_t, 16> bytes = {};  ///< network order; IPv4 uses the first four

  bool operator==(const Address&) const = default;
  std::string text() const;

  /// Reads the canonical forms of inet_pton only: no zone, no brackets.
  static std::optional<Address> parse(std::string_view text);
  /// Nothing for another family.
  static std::optional<Address> from(const sockaddr& socket_address);
};

/// A block of addresses ("10.0.0.0/8", "fd00::/8"; an address alone is a block of one).
struct AddressBlock {
  Address base;
  unsigned prefix = 0;  ///< bits

  bool contains(const Address& address) const;
  /// Nothing if malformed or if bits behind the prefix are set.
  static std::optional<AddressBlock> parse(std::string_view text);
};

/// Why an address is not of the public Internet ("loopback", "private", …), or empty if it is.
/// After IANA's special-purpose address registries; of IPv6 only global unicast (2000::/3) is
/// public, less the blocks that carry IPv4 inside (6to4, Teredo) or are for protocols and
/// documentation. Static storage.
std::string_view special_purpose(const Address& address);

}  // namespace visor::fetch
