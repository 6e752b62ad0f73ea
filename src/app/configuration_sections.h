// Private to this folder: the sections of a configuration.
#pragma once

#include "app/configuration.h"
#include "app/configuration_reader.h"

namespace visor::app {

/// Reads all sections below `root` into `configuration` and checks that they fit together. Mistakes
/// go to the root's findings.
void read_sections(const Value& root, Configuration& configuration);

/// The parts of it that know storage: `catalogue`, `default_store`, `stores`,
/// `placement`, `references`.
void read_storage(Section& root, Configuration& configuration);

/// `placement`, once the stores are known.
void read_placement(Section& root, Configuration& configuration);

}  // namespace visor::app
