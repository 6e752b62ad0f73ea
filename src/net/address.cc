#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "base/units.h"

namespace visor::net {
namespace {

const sockaddr_in& as_v4(const Address& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const Address& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

bool try_literal(const std::string& host, Address& address) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    address.length = sizeof v4;
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    address.length = sizeof v6;
    return true;
  }
  return false;
}

bool try_name(const std::string& host, Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  for (const int family : {AF_INET, AF_INET6}) {
    hints.ai_family = family;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) continue;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.length = found->ai_addrlen;
    return true;
  }
  return false;
}

}  // namespace

std::uint16_t Address::port() const {
  return ntohs(family() == AF_INET6 ? as_v6(*this).sin6_port : as_v4(*this).sin_port);
}

void Address::set_port(std::uint16_t port) {
  if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  }
}

std::array<unsigned char, 16> Address::host_key() const {
  std::array<unsigned char, 16> key{};
  if (family() == AF_INET6) {
    std::memcpy(key.data(), &as_v6(*this).sin6_addr, 16);
  } else if (family() == AF_INET) {
    key[10] = key[11] = 0xff;
    std::memcpy(key.data() + 12, &as_v4(*this).sin_addr, 4);
  }
  return key;
}

bool Address::loopback() const {
  const auto key = host_key();
  in6_addr address;
  std::memcpy(&address, key.data(), key.size());
  return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && key[12] == 127);
}

std::string Address::host_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto key = host_key();
  in6_addr address;
  std::memcpy(&address, key.data(), key.size());
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    ::inet_ntop(AF_INET, key.data() + 12, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, key.data(), text.data(), text.size());
  }
  return text.data();
}

std::string Address::text() const {
  if (length == 0) return {};
  const std::string host = host_text();
  const std::string port_text = std::to_string(port());
  return host.contains(':') ? "[" + host + "]:" + port_text : host + ":" + port_text;
}

bool operator==(const Address& left, const Address& right) {
  return left.family() == right.family() && left.port() == right.port() &&
         left.host_key() == right.host_key();
}

Result<Address> parse_address(std::string_view text) {
  const auto malformed = [text] {
    return fail(Code::invalid, "\"" + std::string(text) +
                                   "\" is no address to listen on; write it as address:port, for "
                                   "example 127.0.0.1:4568, [::1]:4568 or *:4568");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed();
  std::string_view host = text.substr(0, colon);
  const auto port = parse_unsigned(text.substr(colon + 1));
  if (!port || *port > 65535) return malformed();
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() < 4) return malformed();
    host = host.substr(1, host.size() - 2);
    if (!host.contains(':')) return malformed();
  } else if (host.contains(':')) {
    return malformed();
  }
  if (host.empty() || host == "*") host = "0.0.0.0";

  Address address;
  const std::string name(host);
  if (!try_literal(name, address) && !try_name(name, address)) {
    return fail(Code::invalid, "the host name \"" + name +
                                   "\" in the address to listen on is unknown on this machine; "
                                   "use an IP address instead");
  }
  address.set_port(static_cast<std::uint16_t>(*port));
  return address;
}

std::string local_address_of(int socket) {
  Address address;
  address.length = sizeof address.storage;
  if (::getsockname(socket, address.get(), &address.length) != 0) return {};
  return address.text();
}

}  // namespace visor::net
