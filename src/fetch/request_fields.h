// What a caller may put into a request's head. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "fetch/call.h"
#include "fetch/transfer.h"

namespace visor::fetch {

/// Adds "name: value"; `invalid` if either could be read as more than one field.
Result<void> add_field(std::vector<std::string>& fields, std::string_view name,
                       std::string_view value);

/// The request of a call, but for its URL and address. `invalid` if it makes none.
Result<Request> request_for(const Call& call);

/// Whether a request may be sent again although the server may have seen it (RFC 9110, 9.2.2).
bool may_repeat(const Request& request);

}  // namespace visor::fetch
