// Renewing the master key, which the accounts' secrets are sealed with.
#pragma once

#include <cstddef>
#include <string>

#include "app/configuration.h"
#include "auth/secret_box.h"
#include "base/error.h"

namespace visor::app {

/// Where the key of a renewal lies until all secrets are sealed with it, beside the one in use.
std::string next_master_key(const std::string& master_key);
/// Where the key from before the last renewal lies.
std::string former_master_key(const std::string& master_key);

/// The master key, with the next one if a renewal was begun and did not end: between the two every
/// secret opens.
Result<auth::SecretBox> load_master_key(const std::string& path);

struct Rekeyed {
  std::size_t accounts = 0;  ///< sealed anew by this call
  std::string former_key;    ///< where the key from before lies now
};

/// Makes a new master key and seals every account's secret with it, while no server runs on the
/// data folder. May be interrupted at any point: the server starts with what is there then, and
/// calling it again ends what was begun.
Result<Rekeyed> renew_master_key(const Configuration& configuration);

/// The command `visord rekey`: does it and tells. Gives the exit status.
int run_rekey(const Configuration& configuration);

}  // namespace visor::app
