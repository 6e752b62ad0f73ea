// Whatever stands in a configuration file, reading it ends with a configuration that fits together
// or with sentences that fit a terminal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/configuration.h"
#include "base/encoding.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto configuration = visor::app::parse_configuration(text, "fuzz.yml");
  if (!configuration) {
    const std::string& message = configuration.error().message;
    require(message.starts_with("fuzz.yml:"));
    require(message.size() < 16 * 1024);
    require(visor::valid_utf8(message));
    for (const char c : message) require(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    return 0;
  }
  require(!configuration->listeners.empty());
  require(!configuration->data.empty());
  require(configuration->stores.contains(configuration->default_store));
  require(!configuration->digests.empty());
  for (const auto& listener : configuration->listeners) {
    require(!listener.serves.empty());
    require(visor::app::parse_listen_address(listener.address.text()) == listener.address);
  }
  return 0;
}
