// Private to this folder: a YAML file as a tree that knows its lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace visor::app {

/// The largest configuration file, the most values in one and the deepest nesting: far beyond what
/// people write, and small enough that no file can hold up a start.
inline constexpr std::size_t kLargestConfiguration = std::size_t{1} << 20;
inline constexpr std::size_t kMostConfigurationValues = 10'000;
inline constexpr std::size_t kDeepestConfiguration = 12;

struct ConfigurationEntry;

/// A value of the file.
struct ConfigurationNode {
  enum class Kind { nothing, text, list, map };
  Kind kind = Kind::nothing;
  int line = 1;                             ///< 1-based
  std::string text;                         ///< of a `text`
  std::vector<ConfigurationEntry> entries;  ///< of a `list` (keys are empty) or a `map`
};

struct ConfigurationEntry {
  std::string key;
  int line = 1;  ///< of the key
  ConfigurationNode value;
};

/// Reads the one YAML document in `text`: nothing, or a map of unique keys. Anchors, aliases and
/// tags are refused: no setting needs them, and they can make a small file huge. Error `invalid`,
/// one sentence that begins with `file_name:line:column: `.
Result<ConfigurationNode> parse_configuration_document(std::string_view text,
                                                       std::string_view file_name);

/// `text` in quotes for a message: control characters are escaped and a long text is cut.
std::string in_quotes(std::string_view text);

}  // namespace visor::app
