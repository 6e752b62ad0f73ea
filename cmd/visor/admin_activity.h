// visor admin requests, cancel and jobs: what the server is doing.
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace visor::command {

struct ActivityOptions {
  std::vector<std::string> ids;
  bool watch = false;
};

/// Adds the commands to `admin`.
void add_activity_commands(CLI::App& admin, Program& program, ActivityOptions& options);

}  // namespace visor::command
