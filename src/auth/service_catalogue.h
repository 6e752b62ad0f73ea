// The catalogue of a cloud's services, as tokens carry it.
//
// Source: the Identity API v3, "Service catalog and endpoints".
#pragma once

#include <string>

#include "auth/identity_source.h"
#include "base/error.h"
#include "document/value.h"

namespace visor::auth {

/// The URL of the first endpoint that is asked for, without a slash at its end. `catalogue`: a list
/// of services. `not_found`.
Result<std::string> find_in_catalogue(const document::Value& catalogue, const ServiceQuery& query);

/// The error where there is none.
std::unexpected<Error> no_such_service(const ServiceQuery& query);

}  // namespace visor::auth
