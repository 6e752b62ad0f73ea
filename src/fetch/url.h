// URLs of outbound requests, read strictly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::fetch {

/// An absolute hierarchical URL as far as a request needs it. Made by `parse_url` alone, so every
/// part is canonical.
struct Url {
  enum class Host { name, ipv4, ipv6 };

  std::string scheme;  ///< lower case
  std::string host;    ///< lower case; an IPv6 address without its brackets
  Host host_kind = Host::name;
  std::uint16_t port = 0;    ///< the scheme's own if the URL names none
  std::string target = "/";  ///< path and query, as given; begins with '/'

  /// The host as it stands in a URL: an IPv6 address in brackets.
  std::string bracketed_host() const;
  /// `host:port`, for messages and the log; it holds no secret, unlike the query of a presigned
  /// URL.
  std::string authority() const;
  std::string text() const;
};

/// Reads a URL of scheme http or https more strictly than RFC 3986, so that no other reader can
/// take it for another host: at most 8192 visible ASCII characters, no backslash, no user or
/// password, no fragment; the host is a dotted decimal IPv4 address in its only canonical form, an
/// IPv6 address in brackets without a zone, or a DNS name of letters, digits and hyphens whose last
/// label is no number and whose "xn--" labels are sound Punycode (RFC 3492); no dot at its end.
/// `invalid` with a sentence otherwise, `forbidden` for another scheme.
Result<Url> parse_url(std::string_view text);

/// What a Location header means beside the URL that it came from (RFC 3986, section 5.2; a fragment
/// is dropped).
Result<Url> resolve_reference(const Url& base, std::string_view reference);

}  // namespace visor::fetch
