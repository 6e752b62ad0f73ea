// Backups of a data folder, made while its server runs or not, and their way back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/configuration.h"
#include "base/error.h"

namespace visor::app {

/// A blob that the catalogue names and that could not be copied as it was stored.
struct DamagedBlob {
  std::string store;
  std::string key;
  std::string reason;
};

struct BackupOptions {
  /// Check every blob that is copied against the digest in the catalogue. Without it, a file system
  /// that can share or copy bytes by itself does so unread.
  bool verify = true;
  /// Called after each blob with how many are done; false breaks the backup off with `cancelled`.
  std::function<bool(std::uint64_t done)> on_blob = {};
};

struct BackupReport {
  std::uint64_t images = 0;
  std::uint64_t blobs = 0;         ///< in the backup now
  std::uint64_t bytes = 0;         ///< of these blobs
  std::uint64_t copied_blobs = 0;  ///< by this run; the others were in the backup already
  std::uint64_t copied_bytes = 0;
  bool master_key = false;  ///< whether the key is in the backup
  std::map<std::string, std::uint64_t>
      outside;                       ///< copies not included, by store that is no file store
  std::vector<DamagedBlob> damaged;  ///< at most 1000; the backup lacks them
};

/// Makes a backup of catalogue, blobs in file stores and, if it lies in the data folder, master key
/// in the folder `destination` (docs/formats/backup.md), which is made if it is missing and may
/// hold an earlier backup of the same server: that is brought up to date, and stays usable until
/// the new one is complete. The server may run; it puts off the removal of blobs meanwhile.
/// Everything is durable on return.
///
/// Errors: `unsupported` (the catalogue is not in a file), `invalid` (the destination lies in what
/// is backed up, or is no folder), `conflict` (it holds something else, another backup is being
/// made, or the master key is being renewed), `corrupt` (the catalogue, or more than 1000 blobs),
/// `not_found`, `no_space`, `cancelled`.
Result<BackupReport> make_backup(const Configuration& configuration, const std::string& destination,
                                 const BackupOptions& options = {});

struct RestoreReport {
  std::string made;  ///< when the backup was made (RFC 3339)
  std::uint64_t images = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  bool master_key = false;
  std::vector<DamagedBlob> damaged;  ///< what the backup lacked already when it was made
};

/// Makes what `make_backup` copied anew where `configuration` says: data folder and directories of
/// file stores must be missing or empty. Every byte is verified before anything gets its name. No
/// server may use the data folder meanwhile.
///
/// Errors: `not_found` (no backup there), `corrupt` (manifest, catalogue or a blob), `conflict`
/// (the data folder is not empty), `invalid` (the configuration lacks a store of the backup),
/// `no_space`.
Result<RestoreReport> restore_backup(const std::string& source, const Configuration& configuration);

/// The same for a command: tells the outcome on standard output and what went wrong on standard
/// error. The exit status: 0, or 1 for an error or damaged blobs.
int run_backup(const Configuration& configuration, const std::string& destination);
int run_restore(const std::string& source, const Configuration& configuration);

}  // namespace visor::app
