// Private to this folder: the audit log as it is configured.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/configuration.h"
#include "audit/event.h"
#include "audit/log.h"
#include "base/error.h"

namespace visor::app {

/// What lines are sealed with: from the master key and, if there is one, the key from before it was
/// renewed (each as far as it can be read), and from the further key files that are named.
Result<audit::Seal> audit_seal(const Configuration& configuration,
                               const std::vector<std::string>& further_keys = {});

/// Goes on with the log in the configured folder; null if there shall be none. The master key is
/// there already.
Result<std::unique_ptr<audit::Log>> open_audit_log(const Configuration& configuration);

}  // namespace visor::app
