// The metadata definitions that a server comes with: those that OpenStack's clients expect.
#pragma once

#include <vector>

#include "base/error.h"
#include "service/definitions.h"

namespace visor::front::glance {

/// The namespaces of the folder `standard`, read as the API reads what is posted to it. `internal`
/// if one is not good, which is a defect of the build.
Result<std::vector<service::Namespace>> standard_definitions();

}  // namespace visor::front::glance
