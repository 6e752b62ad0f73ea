// Whatever JSON is read can be written and read again, unchanged; and it can be written as XML that
// is stable.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "document/json.h"
#include "document/xml.h"

namespace {

// A tree that was accepted may be longer when it is written, and one level deeper.
constexpr visor::document::Limits kWide = {.depth = 64, .bytes = 1U << 28, .values = 1U << 24};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visor::document;
  const auto tree = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!tree) {
    require(!tree.error().message.empty());
    return 0;
  }
  const auto again = parse_json(write_json(*tree), kWide);
  require(again && *again == *tree);
  const auto pretty = parse_json(write_json_pretty(*tree), kWide);
  require(pretty && *pretty == *tree);

  const auto texts = parse_xml(write_xml(*tree), kWide);
  require(texts.has_value());
  const auto stable = parse_xml(write_xml(*texts), kWide);
  require(stable && *stable == *texts);
  return 0;
}
