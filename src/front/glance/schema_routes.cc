#include "front/glance/schema_routes.h"

#include "front/glance/schemas.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> show_schema(std::string name) {
  const document::Value* const schema = find_schema(name);
  if (schema == nullptr) co_return fail(Code::not_found, "there is no schema of this name");
  co_return document_answer(200, *schema);
}

}  // namespace visor::front::glance
