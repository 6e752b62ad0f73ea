// The catalogue's file as a file: made, looked at before it is opened, copied.
#pragma once

#include <string>

#include "base/error.h"

namespace visor::catalogue::sqlite {

/// Looks at the file's first bytes. Error `not_found` if there is no file (and no folder, which the
/// message says), `corrupt` for an empty file, a damaged header or a log without its file,
/// `unavailable` without permission.
Result<void> check_file(const std::string& path);

/// Makes a new catalogue: complete under another name, durable, then renamed. A crash leaves all of
/// it or nothing.
Result<void> create_file(const std::string& path);

/// Copies a catalogue that may be in use, as of one moment, to `target`, which must not exist
/// (`conflict`): complete and durable or not at all.
Result<void> copy_file(const std::string& source, const std::string& target);

}  // namespace visor::catalogue::sqlite
