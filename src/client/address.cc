#include "client/address.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::client {
namespace {

bool valid_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > 253) return false;
  const std::string_view more = bracketed ? ":%." : ".-_";
  return std::ranges::all_of(host, [more](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || more.contains(letter);
  });
}

std::unexpected<Error> refuse(std::string_view text, std::string_view reason) {
  return fail(Code::invalid, "the address '" + std::string(text) +
                                 "' can't be used: " + std::string(reason) +
                                 ". Write host, host:port or http(s)://host:port");
}

}  // namespace

std::string Address::host_header() const {
  const bool literal = host.contains(':');
  std::string text = literal ? "[" + host + "]" : host;
  if (port != (secure ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Address::url() const {
  const std::string name = host.contains(':') ? "[" + host + "]" : host;
  return (secure ? "https://" : "http://") + name + ":" + std::to_string(port) + base_path;
}

bool Address::loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number == 0 || *number > 65535) {
    return fail(Code::invalid,
                "'" + std::string(text) + "' is no port: a number from 1 to 65535 is needed");
  }
  return static_cast<std::uint16_t>(*number);
}

Result<Address> parse_address(std::string_view text, std::optional<std::uint16_t> port) {
  const std::string_view whole = text;
  Address address;
  std::optional<std::uint16_t> scheme_port;
  if (const auto scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    const std::string scheme = to_lower(text.substr(0, scheme_end));
    if (scheme == "https") {
      address.secure = true;
      scheme_port = 443;
    } else if (scheme != "http") {
      return refuse(whole, "only http and https are spoken, not '" + scheme + "'");
    }
    text.remove_prefix(scheme_end + 3);
  }
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    address.base_path = text.substr(slash);
    while (address.base_path.ends_with('/')) address.base_path.pop_back();
    text = text.substr(0, slash);
  }
  if (address.base_path.find_first_of("?# ") != std::string::npos) {
    return refuse(whole, "it has a query or fragment");
  }
  if (text.contains('@')) {
    return refuse("…@" + std::string(text.substr(text.rfind('@') + 1)),
                  "credentials don't belong into it; they go into VISOR_ACCESS_KEY and "
                  "VISOR_SECRET_KEY or a profile");
  }

  std::string_view port_text;
  bool bracketed = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return refuse(whole, "the ']' is missing");
    address.host = text.substr(1, end - 1);
    bracketed = true;
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) {
      return refuse(whole, "after ']' only a port may follow");
    }
    if (!rest.empty()) port_text = rest.substr(1);
  } else if (std::ranges::count(text, ':') > 1) {
    address.host = text;
    bracketed = true;
  } else {
    const auto colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port_text = text.substr(colon + 1);
      if (port_text.empty()) return refuse(whole, "the port after ':' is missing");
    }
  }
  if (!valid_host(address.host, bracketed)) return refuse(whole, "the host name is not valid");
  if (!port_text.empty()) {
    auto number = parse_port(port_text);
    if (!number) return pass(number);
    address.port = *number;
  } else {
    address.port = port.value_or(scheme_port.value_or(kDefaultPort));
  }
  return address;
}

}  // namespace visor::client
