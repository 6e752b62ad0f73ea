// What a folder holds.
#pragma once

#include <string>
#include <vector>

namespace visor::store {

struct FolderEntry {
  std::string name;
  bool may_be_file = false;    ///< a regular file, or of a kind that the file system does not tell
  bool may_be_folder = false;  ///< a folder, or of a kind that the file system does not tell
};

/// The entries of an open folder but for "." and "..", in no order; empty if it can't be read. The
/// descriptor's own position is not touched. Blocking.
std::vector<FolderEntry> scan_folder(int folder);

}  // namespace visor::store
