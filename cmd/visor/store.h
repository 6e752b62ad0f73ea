// visor store: the stores, and where the bytes of images lie in them.
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace visor::command {

struct StoreOptions {
  std::vector<std::string> words;  ///< images, stores or placements, as the command has them
  std::string store;               ///< --to, and --from of evict: the store that it is about
  std::string left;                ///< --from of move
  std::string limit;
  std::string marker;
  bool no_wait = false;
  bool watch = false;
};

/// Adds the commands to the program's command line. `options` must live as long as the program.
void add_store_commands(CLI::App& app, Program& program, StoreOptions& options);

}  // namespace visor::command
