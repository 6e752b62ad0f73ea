// The guard against server-side request forgery: which URLs the server fetches for others.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "fetch/address.h"
#include "fetch/url.h"

namespace visor::fetch {

/// A URL whose host was looked up once and whose every address was checked: connect to these and to
/// no others, so that a second look-up has no chance to give another answer.
struct CheckedTarget {
  Url url;
  std::vector<Address> addresses;  ///< at least one, in the resolver's order
};

/// The addresses of a DNS name. Errors: `not_found`, `unavailable`. Blocks; called from several
/// threads.
using Resolver = std::function<Result<std::vector<Address>>(const std::string& host)>;

/// The system's resolver (getaddrinfo).
Resolver system_resolver();

/// Decides by the URL's form, its port and all addresses of its host. What it says about a host is
/// the same whether the name is unknown or its address is not allowed, so that nobody can map the
/// network behind the server; the log's trail has the details. Immutable, thread-safe.
class Guard {
 public:
  struct Options {
    std::vector<std::string> schemes = {"http", "https"};
    std::vector<std::uint16_t> ports = {80, 443};
    /// What is allowed although it is not public: "host", "host:port", "10.1.0.0/16",
    /// "10.1.2.3:8080", "[fd00::/8]:8080", "fd00::/8". With a port, that port alone, whether or not
    /// it is in `ports`; without, any of `ports`.
    std::vector<std::string> exceptions = {};
    Resolver resolver = system_resolver();
  };

  /// `invalid` names the exception or scheme that can't be read.
  static Result<Guard> create(Options options);

  /// The form, scheme and port alone, without a look-up: to refuse early. Does not block.
  Result<Url> check_form(std::string_view url) const;

  /// Everything; looks the host up once. Blocks: on a pool.
  Result<CheckedTarget> check(std::string_view url) const;
  Result<CheckedTarget> check(const Url& url) const;

 private:
  struct Exception {
    std::string host;  ///< a name, or empty for a block
    AddressBlock block;
    std::optional<std::uint16_t> port;
  };

  explicit Guard(Options options) : options_(std::move(options)) {}
  static std::optional<Exception> parse_exception(std::string_view text);
  Result<void> check_scheme_and_port(const Url& url) const;
  bool port_allowed(const Exception& exception, std::uint16_t port) const;
  bool is_usual_port(std::uint16_t port) const;
  /// Why the address is refused, or empty.
  std::string_view refusal(const Url& url, const Address& address) const;

  Options options_;
  std::vector<Exception> exceptions_;
};

}  // namespace visor::fetch
