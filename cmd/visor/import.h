// visor import: what another image service has, taken over.
#pragma once

#include <string>
#include <vector>

#include "import_run.h"
#include "import_side.h"
#include "program.h"

namespace visor::command {

struct ImportOptions {
  SideOptions from;
  SideOptions to;
  BothSides both;
  Selection selection;
  bool update = false;
  bool no_owner = false;
  bool dry_run = false;
  std::string jobs;
  std::string retries;
  std::string limit_rate;
};

/// Adds the commands to the program's command line. `options` must live as long as the program.
void add_import_commands(CLI::App& app, Program& program, ImportOptions& options);

}  // namespace visor::command
