// Who asks the Glance front end: from the configuration to the object that knows.
#pragma once

#include <memory>

#include "app/configuration.h"
#include "auth/identity_source.h"
#include "base/error.h"

namespace visor::app {

/// What identities are found with; all of it outlives them.
struct IdentityFoundation {};

/// The source that the configuration names. Asks Keystone nothing, so that this server starts while
/// that one is down. Errors: `invalid`, and `unavailable` for a secret that can't be read.
Result<std::unique_ptr<auth::IdentitySource>> open_identity(const Configuration& configuration,
                                                            IdentityFoundation foundation);

}  // namespace visor::app
