// The command `visord rebuild`: a catalogue that is lost, made anew from a store.
#pragma once

#include "app/configuration.h"
#include "service/rebuild.h"

namespace visor::app {

struct RebuildCommand {
  service::RebuildOptions options;
  bool json = false;  ///< one document on standard output, instead of sentences
};

/// Makes the configured catalogue anew, while no server runs on the data folder: tells on standard
/// error how far it is and what does not come back as it was, and the outcome on standard output.
/// Gives the exit status: 0 all of the store is in the catalogue, 1 some of it is not, or it
/// failed, 2 the store or the configuration is not one for it.
int run_rebuild(const Configuration& configuration, const RebuildCommand& command);

}  // namespace visor::app
