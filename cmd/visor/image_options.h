// What can be said to the image commands.
#pragma once

#include <string>
#include <vector>

namespace visor::command {

/// Options of the image commands. One set for all of them: the 2012 command took them anywhere on
/// the line.
struct ImageOptions {
  std::vector<std::string> words;  ///< ids and name=value pairs, as the command has them
  std::string query;
  bool has_query = false;
  std::string sort;
  std::string direction;
  std::string file;
  std::string save_folder;
  std::string scope;
  std::string limit;
  std::string marker;
  bool yes = false;
};

}  // namespace visor::command
