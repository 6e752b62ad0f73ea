// Private to this folder: where an earlier run left the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/error.h"

namespace visor::audit {

struct Resumed {
  Link last;                   ///< what the next line follows
  std::string file;            ///< the file that is gone on with; empty: a new one is needed
  std::uint64_t end = 0;       ///< where its next line goes
  std::vector<Event> remarks;  ///< what was found wrong, to be the first lines
};

/// Finds the end of the log in `folder`. What a crash tore is set aside into a file of its own (it
/// was promised to nobody), and line feeds take its place. What is missing or changed although it
/// had been durable is left as it is, and a new file begins behind it. Reads what came after the
/// last checkpoint, as a rule.
Result<Resumed> resume(const std::string& folder, const Seal& seal);

}  // namespace visor::audit
