// The commands for images: brief, detail, head, get, add, update, delete, status.
#pragma once

#include "image_options.h"
#include "program.h"

namespace visor::command {

/// Adds the commands to the program's command line. `options` must live as long as the program.
void add_image_commands(CLI::App& app, Program& program, ImageOptions& options);

}  // namespace visor::command
