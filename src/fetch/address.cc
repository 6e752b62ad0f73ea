#include "fetch/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "base/units.h"

namespace visor::fetch {
namespace {

struct Special {
  AddressBlock block;
  std::string_view kind;
};

Special special(std::string_view block, std::string_view kind) {
  return {*AddressBlock::parse(block), kind};
}

// https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry; RFC
// 6890 and later.
const std::vector<Special>& specials() {
  static const std::vector<Special> blocks = {
      special("0.0.0.0/8", "this network"),
      special("10.0.0.0/8", "private"),
      special("100.64.0.0/10", "shared by a carrier"),
      special("127.0.0.0/8", "loopback"),
      special("169.254.0.0/16", "link-local"),
      special("172.16.0.0/12", "private"),
      special("192.0.0.0/24", "protocol assignments"),
      special("192.0.2.0/24", "documentation"),
      special("192.31.196.0/24", "AS112"),
      special("192.52.193.0/24", "AMT"),
      special("192.88.99.0/24", "6to4 relay"),
      special("192.168.0.0/16", "private"),
      special("192.175.48.0/24", "AS112"),
      special("198.18.0.0/15", "benchmarking"),
      special("198.51.100.0/24", "documentation"),
      special("203.0.113.0/24", "documentation"),
      special("224.0.0.0/4", "multicast"),
      special("240.0.0.0/4", "reserved or broadcast"),
      special("2001::/23", "protocol assignments, Teredo"),
      special("2001:db8::/32", "documentation"),
      special("2002::/16", "6to4"),
      special("2620:4f:8000::/48", "AS112"),
      special("3fff::/20", "documentation"),
  };
  return blocks;
}

}  // namespace

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  Address address;
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
  address.is_ipv6 = true;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<Address> Address::from(const sockaddr& socket_address) {
  Address address;
  if (socket_address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &socket_address, sizeof v4);
    std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
    return address;
  }
  if (socket_address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &socket_address, sizeof v6);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
    address.is_ipv6 = true;
    return address;
  }
  return std::nullopt;
}

bool AddressBlock::contains(const Address& address) const {
  if (address.is_ipv6 != base.is_ipv6) return false;
  for (unsigned bit = 0; bit < prefix; bit += 8) {
    const unsigned left = prefix - bit;
    const unsigned mask = left >= 8 ? 0xff : (0xff00u >> left) & 0xff;
    if ((address.bytes[bit / 8] & mask) != (base.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = Address::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  const unsigned bits = base->is_ipv6 ? 128 : 32;
  AddressBlock block{*base, bits};
  if (slash != std::string_view::npos) {
    const auto prefix = parse_unsigned(text.substr(slash + 1));
    if (!prefix || *prefix > bits) return std::nullopt;
    block.prefix = static_cast<unsigned>(*prefix);
  }
  for (unsigned bit = block.prefix; bit < bits; ++bit) {
    if (base->bytes[bit / 8] & (0x80u >> (bit % 8))) return std::nullopt;
  }
  return block;
}

std::string_view special_purpose(const Address& address) {
  for (const auto& [block, kind] : specials()) {
    if (block.contains(address)) return kind;
  }
  if (address.is_ipv6 && (address.bytes[0] & 0xe0) != 0x20) return "not global unicast";
  return {};
}

}  // namespace visor::fetch
