// visor server: the service on this machine. visor config: its configuration's template.
#pragma once

#include "program.h"
#include "server_place.h"

namespace visor::command {

void add_server_commands(CLI::App& app, Program& program, ServerOptions& options);

}  // namespace visor::command
