// What a document from outside may cost.
#pragma once

#include <cstddef>

namespace visor::document {

/// Bounds for reading a document. Whatever a caller sends, reading it needs at most about
/// `bytes` + 100 bytes for each of `values`, and a stack for `depth` levels.
struct Limits {
  std::size_t depth = 32;           ///< containers inside one another; the outermost counts
  std::size_t bytes = 1024 * 1024;  ///< length of the text
  std::size_t values = 100'000;     ///< texts, numbers, containers and so on altogether
};

}  // namespace visor::document
