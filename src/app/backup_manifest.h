// Private to this folder: what a backup says of itself (docs/formats/backup.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/backup.h"
#include "base/error.h"

namespace visor::app {

inline constexpr const char* kManifestName = "manifest.json";

struct BackupManifest {
  std::string made;              ///< RFC 3339
  std::string snapshot;          ///< the folder of catalogue and key
  std::string catalogue_sha256;  ///< of the catalogue's file, in hex
  bool master_key = false;       ///< whether the key is in the backup
  std::uint64_t images = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> stores;               ///< whose blobs are in the backup
  std::map<std::string, std::uint64_t> outside;  ///< stores whose copies are not, and how many
  std::vector<DamagedBlob> damaged;
};

std::string write_manifest(const BackupManifest& manifest);
/// `corrupt` for what is no manifest of this version or an earlier one, with the reason.
Result<BackupManifest> read_manifest(std::string_view text);

}  // namespace visor::app
