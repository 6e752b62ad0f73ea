// The command line as a whole: what is typed, to what is done.
#pragma once

#include <string>
#include <vector>

#include "exit_code.h"

namespace visor::command {

/// Runs one command; `arguments` without the program's name. Writes to standard output and error.
Exit run(std::vector<std::string> arguments);

}  // namespace visor::command
