#include "app/configuration_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "app/configuration_document.h"
#include "base/encoding.h"
#include "base/units.h"

namespace visor::app {
namespace {

constexpr std::string_view kListenForm =
    "write ADDRESS:PORT, for example 127.0.0.1:4568, [::1]:4568 or *:4568";
constexpr std::string_view kPublicForm = "write http://HOST:PORT or https://HOST";

/// An IP address in its canonical form; nothing for anything else.
std::optional<std::string> read_literal(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  const int family = host.contains(':') ? AF_INET6 : AF_INET;
  if (::inet_pton(family, host.c_str(), bytes.data()) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size());
}

bool digit(char c) { return c >= '0' && c <= '9'; }

bool host_label(std::string_view label) {
  const auto fits = [](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, fits);
}

/// Whether `name` (lower case) can be a host name (RFC 1123, section 2.1). One that ends in a
/// number is a mistyped IPv4 address, or one in a spelling that not everybody understands.
bool host_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return false;
  std::string_view last;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    last = name.substr(start, end - start);
    if (!host_label(last)) return false;
    start = end + 1;
  }
  return !std::ranges::all_of(last, digit) && !last.starts_with("0x");
}

/// An address or a name, canonical; nothing for anything else.
std::optional<std::string> read_host(std::string_view text) {
  if (text.contains('\0')) return std::nullopt;
  std::string host = to_lower(text);
  if (auto literal = read_literal(host)) return literal;
  if (!host_name(host)) return std::nullopt;
  return host;
}

struct HostAndPort {
  std::string_view host;
  bool bracketed = false;
  std::optional<std::string_view> port;
};

/// Takes HOST:PORT, [HOST]:PORT or a host alone apart; a second colon outside brackets belongs to
/// the host.
std::optional<HostAndPort> split(std::string_view text) {
  HostAndPort parts;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    parts.host = text.substr(1, end - 1);
    parts.bracketed = true;
    const std::string_view rest = text.substr(end + 1);
    if (rest.empty()) return parts;
    if (!rest.starts_with(':')) return std::nullopt;
    parts.port = rest.substr(1);
    return parts;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    parts.host = text;
    return parts;
  }
  parts.host = text.substr(0, colon);
  parts.port = text.substr(colon + 1);
  return parts;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  const auto port = parse_unsigned(text);
  if (!port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::unexpected<Error> wrong(std::string_view what, std::string_view form) {
  return fail(Code::invalid, std::string(what) + "; " + std::string(form));
}

std::string joined(const std::string& host, std::uint16_t port) {
  const std::string shown = host.contains(':') ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

}  // namespace

std::string ListenAddress::text() const { return joined(host, port); }

bool overlap(const ListenAddress& left, const ListenAddress& right) {
  if (left.port != right.port || left.port == 0) return false;
  if (left.host == right.host) return true;
  const auto v4 = [](const ListenAddress& address) { return !address.host.contains(':'); };
  return v4(left) && v4(right) && (left.host == "0.0.0.0" || right.host == "0.0.0.0");
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto malformed = [text](std::string_view what) {
    return wrong(in_quotes(text) + " " + std::string(what), kListenForm);
  };
  const auto parts = split(text);
  if (!parts) return malformed("is not an address");
  if (!parts->port) {
    if (!parts->bracketed && parts->host.contains("://")) {
      return malformed("is a URL, not an address");
    }
    if (!parts->bracketed && parts->host.contains(':')) {
      return malformed("is an IPv6 address without brackets");
    }
    return malformed("has no port");
  }
  const auto port = read_port(*parts->port);
  if (!port) return malformed("has no port between 0 and 65535");
  const bool all = !parts->bracketed && (parts->host.empty() || parts->host == "*");
  const auto host = read_host(all ? "0.0.0.0" : parts->host);
  if (!host || parts->bracketed != host->contains(':')) {
    return malformed("has neither an IP address nor a host name before its port");
  }
  return ListenAddress{*host, *port};
}

Result<std::string> parse_public_address(std::string_view text) {
  const std::size_t colon = text.find("://");
  const std::string scheme = to_lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return wrong("begins with neither http:// nor https://", kPublicForm);
  }
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (authority.contains('@')) return wrong("carries credentials", kPublicForm);
  const auto plain = [](char c) {
    return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '\\';
  };
  if (!std::ranges::all_of(path, plain)) {
    return wrong("has a query, a fragment or a blank in it", kPublicForm);
  }
  const auto parts = split(authority);
  const auto host = parts ? read_host(parts->host) : std::nullopt;
  if (!host || parts->bracketed != host->contains(':')) {
    return wrong("has neither an IP address nor a host name", kPublicForm);
  }
  const std::string shown = parts->bracketed ? "[" + *host + "]" : *host;
  if (!parts->port) return scheme + "://" + shown + std::string(path);
  const auto port = read_port(*parts->port);
  if (!port || *port == 0) return wrong("has no port between 1 and 65535", kPublicForm);
  return scheme + "://" + joined(*host, *port) + std::string(path);
}

}  // namespace visor::app
