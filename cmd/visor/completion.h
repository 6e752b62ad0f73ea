// Completion of commands and options in a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace visor::command {

/// A command with what may follow it.
struct CommandTree {
  std::string name;
  std::string description;
  struct Option {
    std::vector<std::string> names;  ///< "-q", "--query"
    std::string description;
    bool takes_value = false;
    bool takes_file = false;
    std::vector<std::string> values;  ///< if only these are allowed
  };
  std::vector<Option> options;
  std::vector<CommandTree> commands;
};

/// A script for "bash", "zsh" or "fish". Errors: `invalid` for another shell.
Result<std::string> completion_script(std::string_view shell, const CommandTree& tree);

}  // namespace visor::command
