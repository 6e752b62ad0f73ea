// Private to this folder: how far the log had come, kept beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/error.h"

namespace visor::audit {

/// What was durable at some time. A log that ends before it was cut.
struct Checkpoint {
  Link last;
  std::string file;       ///< the file in which that line stands
  std::uint64_t end = 0;  ///< the offset behind the line and its line feed
};

inline constexpr const char* kCheckpointName = "checkpoint.json";

/// Replaces the checkpoint in a folder, durably.
Result<void> write_checkpoint(const std::string& folder, const Checkpoint& checkpoint, Time time,
                              const Seal& seal);
/// Nothing if there is none. `corrupt` if it can't be read or, with a seal, was sealed otherwise.
Result<std::optional<Checkpoint>> read_checkpoint(const std::string& folder, const Seal* seal);

/// The name of the file whose first line has this sequence number.
std::string file_name(std::uint64_t first);
/// The sequence number in such a name; 0 if it is none.
std::uint64_t first_of(std::string_view name);
/// The names of a log's files in the order of their lines. An error if the folder can't be read.
Result<std::vector<std::string>> file_names(const std::string& folder);
/// A whole file, at most `limit` bytes of it from `offset` on.
Result<std::string> read_file(const std::string& path, std::uint64_t offset, std::uint64_t limit);

}  // namespace visor::audit
