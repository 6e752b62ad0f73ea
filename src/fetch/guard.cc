#include "fetch/guard.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::fetch {
namespace {

constexpr std::size_t kMostAddresses = 64;

std::unexpected<Error> refuse_host(const Url& url, std::string_view why) {
  return fail(Code::forbidden, "the host of the location is unknown or not allowed",
              "guard " + url.authority() + " " + std::string(why));
}

}  // namespace

Resolver system_resolver() {
  return [](const std::string& host) -> Result<std::vector<Address>> {
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    if (outcome == EAI_AGAIN || outcome == EAI_SYSTEM || outcome == EAI_MEMORY) {
      return fail(Code::unavailable, "the host of the location cannot be looked up at the moment",
                  std::string("getaddrinfo ") + ::gai_strerror(outcome));
    }
    if (outcome != 0) {
      return fail(Code::not_found, "the host of the location is unknown",
                  std::string("getaddrinfo ") + ::gai_strerror(outcome));
    }
    std::vector<Address> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      const auto address = Address::from(*entry->ai_addr);
      if (address && std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
        addresses.push_back(*address);
      }
    }
    return addresses;
  };
}

std::optional<Guard::Exception> Guard::parse_exception(std::string_view text) {
  Exception exception;
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size() + 1);
    has_port = true;
  }
  if (has_port) {
    const auto number = parse_unsigned(port);
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    exception.port = static_cast<std::uint16_t>(*number);
  }
  if (const auto block = AddressBlock::parse(host)) {
    exception.block = *block;
    return exception;
  }
  const auto as_url = parse_url("http://" + std::string(host) + "/");
  if (!as_url || as_url->host_kind != Url::Host::name || as_url->host != to_lower(host)) {
    return std::nullopt;
  }
  exception.host = as_url->host;
  return exception;
}

Result<Guard> Guard::create(Options options) {
  for (const auto& scheme : options.schemes) {
    if (scheme != "http" && scheme != "https") {
      return fail(Code::invalid,
                  "'" + scheme + "' is not a scheme that can be fetched; it is http or https");
    }
  }
  Guard guard(std::move(options));
  for (const auto& text : guard.options_.exceptions) {
    auto exception = parse_exception(text);
    if (!exception) {
      return fail(Code::invalid,
                  "'" + text +
                      "' is not an exception: write host, host:port, an address block "
                      "such as 10.1.0.0/16, or block:port ([fd00::/8]:8080)");
    }
    guard.exceptions_.push_back(std::move(*exception));
  }
  return guard;
}

bool Guard::is_usual_port(std::uint16_t port) const {
  return std::find(options_.ports.begin(), options_.ports.end(), port) != options_.ports.end();
}

bool Guard::port_allowed(const Exception& exception, std::uint16_t port) const {
  return exception.port ? *exception.port == port : is_usual_port(port);
}

Result<void> Guard::check_scheme_and_port(const Url& url) const {
  if (std::find(options_.schemes.begin(), options_.schemes.end(), url.scheme) ==
      options_.schemes.end()) {
    return fail(Code::forbidden, "locations with " + url.scheme + ":// are not allowed here",
                "guard " + url.authority());
  }
  // An exception for another host may let a port pass here; the addresses are checked with their
  // ports later.
  const bool excepted =
      std::any_of(exceptions_.begin(), exceptions_.end(),
                  [&url](const Exception& exception) { return exception.port == url.port; });
  if (!is_usual_port(url.port) && !excepted) {
    return fail(Code::forbidden, "the port of the location is not allowed",
                "guard " + url.authority());
  }
  return {};
}

Result<Url> Guard::check_form(std::string_view text) const {
  auto url = parse_url(text);
  if (!url) return url;
  if (auto allowed = check_scheme_and_port(*url); !allowed) return pass(allowed);
  return url;
}

std::string_view Guard::refusal(const Url& url, const Address& address) const {
  for (const auto& exception : exceptions_) {
    const bool meant =
        exception.host.empty() ? exception.block.contains(address) : exception.host == url.host;
    if (meant && port_allowed(exception, url.port)) return {};
  }
  if (!is_usual_port(url.port)) return "port";
  return special_purpose(address);
}

Result<CheckedTarget> Guard::check(std::string_view text) const {
  auto url = parse_url(text);
  if (!url) return pass(url);
  return check(*url);
}

Result<CheckedTarget> Guard::check(const Url& url) const {
  if (auto allowed = check_scheme_and_port(url); !allowed) return pass(allowed);
  CheckedTarget target{url, {}};
  if (url.host_kind == Url::Host::name) {
    auto addresses = options_.resolver(url.host);
    if (!addresses && addresses.error().code == Code::unavailable) return pass(addresses);
    if (!addresses) return refuse_host(url, addresses.error().where);
    target.addresses = std::move(*addresses);
  } else if (const auto address = Address::parse(url.host)) {
    target.addresses.push_back(*address);
  }
  if (target.addresses.empty()) return refuse_host(url, "no address");
  if (target.addresses.size() > kMostAddresses) return refuse_host(url, "too many addresses");
  for (const auto& address : target.addresses) {
    if (const auto why = refusal(url, address); !why.empty()) {
      return refuse_host(url, address.text() + " " + std::string(why));
    }
  }
  return target;
}

}  // namespace visor::fetch
