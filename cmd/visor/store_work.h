// Work that the server does in the background, and the wait for it.
#pragma once

#include <string>
#include <vector>

#include "document/value.h"
#include "program.h"

namespace visor::command {

/// Asks for all of this work and, if `wait`, shows how it gets on until it is over; Ctrl-C ends the
/// wait alone. The exit status is that of the first that failed.
Exit run_work(const Program& program, const std::vector<client::PlacementRequest>& wanted,
              bool wait);

/// What came of a placement that is over.
struct WorkResult {
  Exit exit = Exit::done;
  std::string sentence;
};
WorkResult result_of(const document::Value& placement);

}  // namespace visor::command
