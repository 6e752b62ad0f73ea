// The Glance front end's options: from the configuration to what the API tells its clients.
#pragma once

#include "app/configuration.h"
#include "front/glance/glance_front_end.h"

namespace visor::app {

/// What the configuration says; whatever the front end stands on beside it is the caller's to add.
front::glance::Options glance_options(const Configuration& configuration);

}  // namespace visor::app
