// URLs and redirects' references from a stranger: whatever is accepted is canonical, reads back as
// itself, and names no other host to another reader.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fetch/address.h"
#include "fetch/guard.h"
#include "fetch/response.h"
#include "fetch/url.h"

namespace {

using namespace visor::fetch;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_canonical(const Url& url) {
  const auto again = parse_url(url.text());
  // A resolved reference may have grown over the limit of a URL by its host.
  if (!again) {
    require(url.text().size() > 8192);
    return;
  }
  require(again->text() == url.text() && again->host == url.host && again->port == url.port &&
          again->target == url.target && again->host_kind == url.host_kind);
  require(url.host.find_first_of("@/\\?#% ") == std::string::npos && !url.host.empty());
  require(url.target.starts_with('/') && url.port != 0);
  const bool literal = Address::parse(url.host).has_value();
  require(literal == (url.host_kind != Url::Host::name));
}

const Guard& guard() {
  static const Guard instance = [] {
    auto made =
        Guard::create({.exceptions = {},
                       .resolver = [](const std::string&) -> visor::Result<std::vector<Address>> {
                         return std::vector<Address>{*Address::parse("93.184.216.34")};
                       }});
    require(made.has_value());
    return std::move(*made);
  }();
  return instance;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_url(text)) check_canonical(*url);
  static const Url base = *parse_url("https://example.org:8443/a/b/c?d");
  if (const auto url = resolve_reference(base, text)) check_canonical(*url);
  if (const auto target = guard().check(text)) {
    for (const auto& address : target->addresses) require(special_purpose(address).empty());
    require(target->url.port == 80 || target->url.port == 443);
  }
  if (const auto made = Guard::create({.exceptions = {std::string(text)}, .resolver = nullptr})) {
    (void)made->check_form("http://example.org/");
  }
  ResponseHead head;
  head.fields = {{"content-range", std::string(text)}};
  if (const auto range = head.content_range()) require(range->first <= range->last);
  (void)head.unsatisfied_total();
  return 0;
}
