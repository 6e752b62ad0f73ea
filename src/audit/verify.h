// Whether a log is whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/error.h"

namespace visor::audit {

/// A place where a log is not as it was written.
struct Break {
  std::string file;
  std::uint64_t line = 0;  ///< counted from 1, empty lines too; 0: the file as a whole
  std::string what;        ///< a sentence
};

struct Verdict {
  std::uint64_t lines = 0;
  std::uint64_t first = 0;  ///< sequence numbers
  Link last;
  bool seals_checked = false;
  std::vector<Break> breaks;         ///< the first kMostBreaks of them
  std::vector<std::string> remarks;  ///< what the server itself noted about the log
  bool whole() const { return breaks.empty(); }
};
inline constexpr std::size_t kMostBreaks = 20;

/// Called with each line that can be read.
using Visit = std::function<void(const Line& line, std::string_view text)>;

/// Reads a log: all files of a folder with its checkpoint, or one file alone. Without a seal, only
/// the chain is checked. May run while a server writes. An error only if nothing can be read.
Result<Verdict> verify(const std::string& path, const Seal* seal, const Visit& visit = {});

}  // namespace visor::audit
