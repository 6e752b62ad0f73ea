// The API's description of itself, for clients and generators: OpenAPI 3.1 at /openapi.json.
//
// Its source is openapi.json beside this file, which the build puts into the program. A test holds
// it against the routes, and tests/api holds it against what the server answers.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace visor::front::native {

/// The document as it is sent: the source without the blanks that make it readable.
const std::string& api_description();

/// The answer to GET and HEAD of /openapi.json. Anybody may read it, conditions are heeded.
http::Response describe_api(const http::Request& request);

}  // namespace visor::front::native
