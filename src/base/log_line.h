// Private to this folder: an event of the log as one line.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"

namespace visor::log {

/// Puts a line about an event, with its line break, behind `out`. Whatever the texts hold, it is
/// one line, well-formed UTF-8 without control characters, and in JSON one object.
void append_line(std::string& out, Form form, Level level, Time now, std::string_view message,
                 std::span<const Field> fields);

}  // namespace visor::log
