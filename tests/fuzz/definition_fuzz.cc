// Metadata definitions from a stranger: what is found good can be kept, and reads again as it was;
// what is refused is refused with a sentence that is safe to show.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "document/json.h"
#include "front/glance/definition_document.h"
#include "head_of_lines.h"
#include "service/definitions.h"

namespace {

using visor::fuzz::require;

void require_showable(const visor::Error& error) {
  require(!error.message.empty() && error.message.size() < 4096);
  require(visor::valid_utf8(error.message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visor;
  namespace glance = front::glance;
  const auto body =
      document::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!body) return 0;
  for (const char* schema : {"property", "object", "tag", "tags", "resource_type"}) {
    const auto good = glance::check_definition(*body, schema);
    if (!good) require_showable(good.error());
  }
  const auto good = glance::check_definition(*body, "namespace");
  if (!good) {
    require_showable(good.error());
    return 0;
  }
  const service::Namespace space = glance::read_namespace(*body);
  const auto put = service::put_of(space, 0);
  if (!put) {
    require_showable(put.error());
    return 0;
  }
  const auto again = service::decode_namespace(put->record);
  require(again.has_value());
  require(glance::namespace_document(*again, glance::Extent::whole) ==
          glance::namespace_document(space, glance::Extent::whole));
  return 0;
}
