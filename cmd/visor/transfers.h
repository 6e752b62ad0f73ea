// The commands that move image data: get, add, update.
#pragma once

#include "image_options.h"
#include "program.h"

namespace visor::command {

Exit run_get(const Program& program, const ImageOptions& options);
Exit run_add(const Program& program, const ImageOptions& options);
Exit run_update(const Program& program, const ImageOptions& options);

}  // namespace visor::command
