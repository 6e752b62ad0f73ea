// Private to this folder: what a catalogue says is stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "catalogue/catalogue.h"

namespace visor::app {

inline constexpr const char* kSnapshotCatalogue = "catalogue.db";
inline constexpr const char* kSnapshotKey = "master.key";
inline constexpr const char* kBackupStores = "stores";
/// In the data folder: whoever makes a backup holds it; in a backup: likewise, and it marks one.
inline constexpr const char* kBackupLock = "backup.lock";

/// A copy of a blob that is the server's own.
struct StoredBlob {
  std::string store;
  std::string key;  ///< checked
  std::optional<std::uint64_t> size;
  std::string sha256;  ///< hex; empty if it was never computed
};

/// Opens the copy of a catalogue that nobody else uses.
Result<std::unique_ptr<catalogue::Catalogue>> open_snapshot(const std::filesystem::path& path);

/// Calls `take` with every own copy, in no useful order, until it fails.
Result<void> each_stored_blob(catalogue::Catalogue& catalogue,
                              const std::function<Result<void>(const StoredBlob&)>& take);

Result<std::uint64_t> count_images(catalogue::Catalogue& catalogue);

/// The path of a blob beneath its store's folder.
std::filesystem::path blob_path(const std::string& key);

}  // namespace visor::app
