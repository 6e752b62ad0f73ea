// Documents about accounts from a stranger: what is accepted holds nothing that only the server
// sets, and what is refused is refused with a sentence that is safe to show.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "front/native/user_document.h"
#include "head_of_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visor;
  using fuzz::require;
  const auto wish =
      front::native::read_user(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!wish) {
    require(!wish.error().message.empty() && wish.error().message.size() < 4096);
    require(valid_utf8(wish.error().message));
    return 0;
  }
  for (const auto& [name, value] : wish->extra) {
    require(valid_utf8(name) && valid_utf8(value));
    require(name != "secret_key" && name != "_id" && name != "created_at");
  }
  require(!wish->access_key || valid_utf8(*wish->access_key));
  return 0;
}
