#include "fetch/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/units.h"
#include "fetch/punycode.h"

namespace visor::fetch {
namespace {

constexpr std::size_t kLongestUrl = 8192;

std::unexpected<Error> malformed(std::string message) {
  return fail(Code::invalid, std::move(message), "url");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Result<void> check_characters(std::string_view text) {
  if (text.size() > kLongestUrl) return malformed("a URL has at most 8192 characters");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= 0x20 || c == 0x7f) {
      return malformed("a URL contains neither blanks nor control characters");
    }
    if (c > 0x7f) {
      return malformed(
          "a URL is ASCII: write other letters in the host as Punycode and elsewhere as %XX");
    }
    if (std::string_view("\\\"<>^`{|}").find(text[i]) != std::string_view::npos) {
      return malformed(std::string("a URL must not contain '") + text[i] + "'");
    }
    if (c == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) {
      return malformed("a '%' in a URL is followed by two hexadecimal digits");
    }
  }
  return {};
}

Result<void> check_label(std::string_view label) {
  if (label.empty()) return malformed("the URL's host has an empty part or a dot at its end");
  if (label.size() > 63) return malformed("a part of the URL's host has more than 63 characters");
  if (label.front() == '-' || label.back() == '-') {
    return malformed("no part of the URL's host begins or ends with a hyphen");
  }
  for (const char c : label) {
    if (!is_digit(c) && !is_letter(c) && c != '-') {
      return malformed("the URL's host has only letters, digits, hyphens and dots");
    }
  }
  if (label.starts_with("xn--") && !valid_punycode(label.substr(4))) {
    return malformed("the URL's host has a part that is not sound Punycode");
  }
  return {};
}

std::vector<std::string_view> split_labels(std::string_view host) {
  std::vector<std::string_view> labels;
  while (true) {
    const auto dot = host.find('.');
    labels.push_back(host.substr(0, dot));
    if (dot == std::string_view::npos) return labels;
    host.remove_prefix(dot + 1);
  }
}

/// Whether some reader could take a host whose last label is this for an IPv4 address in an odd
/// form.
bool looks_like_number(std::string_view label) {
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  return label.starts_with("0x") && std::all_of(label.begin() + 2, label.end(), is_hex);
}

Result<void> read_ipv4_or_name(const std::string& host, Url& url) {
  if (host.size() > 253) return malformed("the URL's host has more than 253 characters");
  const auto labels = split_labels(host);
  for (const auto& label : labels) {
    if (auto sound = check_label(label); !sound) return sound;
  }
  url.host = host;
  if (!looks_like_number(labels.back())) return {};
  in_addr address = {};
  // inet_pton takes four decimal numbers without leading zeros and nothing else.
  if (::inet_pton(AF_INET, host.c_str(), &address) != 1) {
    return malformed("the URL's host is a number but not an IPv4 address of four decimal numbers");
  }
  url.host_kind = Url::Host::ipv4;
  return {};
}

Result<void> read_ipv6(const std::string& host, Url& url) {
  in6_addr address = {};
  if (host.find('%') != std::string::npos) {
    return malformed("an IPv6 address in a URL has no zone");
  }
  if (::inet_pton(AF_INET6, host.c_str(), &address) != 1) {
    return malformed("the URL's host is in brackets but not an IPv6 address");
  }
  char canonical[INET6_ADDRSTRLEN];
  url.host = ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
  url.host_kind = Url::Host::ipv6;
  return {};
}

Result<void> read_port(std::string_view digits, Url& url) {
  const auto port = parse_unsigned(digits);
  if (!port || *port == 0 || *port > 65535 || digits.front() == '0') {
    return malformed("the port in the URL is a number from 1 to 65535");
  }
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    return malformed("a URL must not contain a user name or a password");
  }
  std::string_view host = authority;
  std::optional<std::string_view> port;
  const bool brackets = authority.starts_with('[');
  if (brackets) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos)
      return malformed("a bracket in the URL's host is not closed");
    host = authority.substr(1, end - 1);
    const auto rest = authority.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') {
      return malformed("only a port may follow the bracket in the URL's host");
    }
    if (!rest.empty()) port = rest.substr(1);
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host.empty()) return malformed("the URL names no host");
  if (port) {
    if (auto read = read_port(*port, url); !read) return read;
  }
  const auto lower = to_lower(host);
  return brackets ? read_ipv6(lower, url) : read_ipv4_or_name(lower, url);
}

/// RFC 3986, section 5.2.4.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool folder = false;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash before each segment
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash);
    folder = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!folder) kept.push_back(segment);
  }
  std::string clean;
  for (const auto& segment : kept) (clean += '/') += segment;
  if (folder || clean.empty()) clean += '/';
  return clean;
}

}  // namespace

std::string Url::bracketed_host() const {
  return host_kind == Host::ipv6 ? "[" + host + "]" : host;
}

std::string Url::authority() const { return bracketed_host() + ":" + std::to_string(port); }

std::string Url::text() const {
  const std::uint16_t usual = scheme == "https" ? 443 : 80;
  return scheme + "://" + (port == usual ? bracketed_host() : authority()) + target;
}

Result<Url> parse_url(std::string_view text) {
  if (auto sound = check_characters(text); !sound) return pass(sound);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.substr(colon, 3) != "://") {
    return malformed("a URL begins with http:// or https://");
  }
  Url url;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") {
    return fail(Code::forbidden, "only locations with http:// and https:// can be fetched", "url");
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (text.find('#') != std::string_view::npos) {
    return malformed("a URL to fetch has no fragment (#…)");
  }
  auto rest = text.substr(colon + 3);
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  if (auto read = read_authority(rest.substr(0, end), url); !read) return pass(read);
  rest.remove_prefix(end);
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

Result<Url> resolve_reference(const Url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  if (auto sound = check_characters(reference); !sound) return pass(sound);
  const auto scheme_end = reference.find_first_of(":/?");
  if (scheme_end != std::string_view::npos && reference[scheme_end] == ':') {
    return parse_url(reference);
  }
  if (reference.starts_with("//")) return parse_url(base.scheme + ":" + std::string(reference));

  Url url = base;
  const auto base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  const auto path = reference.substr(0, reference.find('?'));
  const auto query = reference.substr(path.size());
  if (path.empty()) {
    url.target = query.empty() ? base.target : std::string(base_path) + std::string(query);
    return url;
  }
  const auto folder =
      path.front() == '/' ? std::string_view() : base_path.substr(0, base_path.rfind('/') + 1);
  url.target = remove_dot_segments(std::string(folder) + std::string(path)) + std::string(query);
  if (url.target.size() > kLongestUrl) return malformed("a URL has at most 8192 characters");
  return url;
}

}  // namespace visor::fetch
