// Private to this folder: files and folders of a backup, written to last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace visor::app {

/// Holds a lock file (flock, exclusive) until it goes.
class FileLock {
 public:
  /// Waits up to ten seconds for others to let go of it; then `conflict` with `message`.
  static Result<FileLock> take(const std::filesystem::path& path, const std::string& message);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

/// Makes a folder (mode 700) and those above it that are missing, and makes each new entry durable.
Result<void> make_folders(const std::filesystem::path& folder);
/// Makes a folder's entries durable.
Result<void> sync_folder(const std::filesystem::path& folder);
bool is_folder(const std::filesystem::path& path);
/// What a folder holds, in no order; nothing for one that is missing. An error if it can't be read
/// or is no folder.
Result<std::vector<std::filesystem::path>> entries_of(const std::filesystem::path& folder);
/// The path without symbolic links, as far as it exists.
std::filesystem::path real_path(const std::filesystem::path& path);
/// Whether `inner` is `outer` or lies in it. Both as `real_path` gives them.
bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer);

/// How a file is copied.
struct CopyRules {
  std::optional<std::uint64_t> size;  ///< it must have this size
  std::string sha256;                 ///< and this digest (hex); empty: any
  /// Let the file system share or copy the bytes itself, unread; only without a digest.
  bool unread = false;
};

/// Copies a regular file durably to `target` in an existing folder: whole under its name, with mode
/// 600 and the same time of modification, or not there at all. An existing target is replaced. The
/// folder's entry is durable only after `sync_folder`. Never follows a symbolic link at the end of
/// `source`. Errors: `not_found`, `corrupt` (size or digest differ), `no_space` and others.
Result<std::uint64_t> copy_durably(const std::filesystem::path& source,
                                   const std::filesystem::path& target, const CopyRules& rules);

/// Writes a small file the same way, entry included.
Result<void> write_durably(const std::filesystem::path& target, std::string_view text);
/// Reads a small file of at most `limit` bytes.
Result<std::string> read_small(const std::filesystem::path& path, std::size_t limit);
/// The SHA-256 of a file, in hex.
Result<std::string> file_sha256(const std::filesystem::path& path);

}  // namespace visor::app
