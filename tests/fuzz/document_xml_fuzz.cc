// Whatever XML is read can be written and read again, unchanged, as XML and as JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "document/json.h"
#include "document/xml.h"

namespace {

constexpr visor::document::Limits kWide = {.depth = 64, .bytes = 1U << 28, .values = 1U << 24};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visor::document;
  const auto tree = parse_xml(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!tree) {
    require(!tree.error().message.empty());
    return 0;
  }
  const auto again = parse_xml(write_xml(*tree), kWide);
  require(again && *again == *tree);
  const auto json = parse_json(write_json(*tree), kWide);
  require(json && *json == *tree);
  return 0;
}
