// The folder tree of a file store. Its layout and what may be found in it:
// docs/formats/file-store.md.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/descriptor.h"
#include "store/file/file_calls.h"
#include "store/store.h"

namespace visor::store {

/// Where a blob lies beneath the store's folder: `folder/name`.
struct BlobPath {
  std::string folder;
  std::string name;

  std::string text() const { return folder + "/" + name; }
};

/// The place of a valid key, and back; nothing for a name that is not a blob's.
BlobPath path_of(std::string_view key);
std::optional<std::string> key_of(std::string_view name);

/// An error for a failed call on the store's files: as `fail_errno`, and a file too large for the
/// file system is `too_large`.
std::unexpected<Error> fail_file(int errno_value, std::string_view action, std::string where);

/// All calls block; thread-safe. Keys must be valid (`check_key`).
class BlobTree {
 public:
  /// Makes the folder if only it is missing, sees whether it can be written, and removes what a
  /// crash left in `partial/`. The error names the folder: it is for the operator who starts the
  /// server.
  static Result<std::unique_ptr<BlobTree>> open(const std::string& directory, FileCalls calls);

  /// The absolute path of the store's folder, without symbolic links.
  const std::string& directory() const { return directory_; }
  const FileCalls& calls() const { return calls_; }
  /// Whether the file system has unnamed files that can be given a name later.
  bool unnamed_files() const { return unnamed_files_; }
  /// The folder of named partial files.
  int partial() const { return partial_.get(); }

  /// The blob's file, opened with `flags`, once it was seen to be a regular file; `not_found`
  /// otherwise.
  Result<Descriptor> open_blob(const std::string& key, int flags) const;
  /// The folder for a new blob, made if need be, and durable.
  Result<Descriptor> folder_for_new(const BlobPath& path);
  /// Removes a blob durably, or sees that it is durably gone.
  Result<void> remove(const std::string& key);
  Result<Listing> list(const std::string& after, std::uint32_t limit) const;

 private:
  BlobTree(std::string directory, Descriptor root, FileCalls calls);
  Result<void> sync_own_entry(bool made) const;
  Result<void> prepare();
  Result<void> probe();
  bool probe_link(int file) const;
  void clear_partial();
  std::unexpected<Error> not_writable(int errno_value) const;

  const std::string directory_;
  const Descriptor root_;
  const FileCalls calls_;
  Descriptor partial_;
  bool unnamed_files_ = true;
  std::mutex mutex_;
  std::set<std::string>
      durable_folders_;  ///< fan-out folders whose own entry was synced since the start
};

}  // namespace visor::store
