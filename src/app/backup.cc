#include "app/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "app/backup_contents.h"
#include "app/backup_files.h"
#include "app/backup_manifest.h"
#include "app/rekey.h"
#include "base/clock.h"
#include "base/random.h"
#include "catalogue/sqlite/database_file.h"

namespace visor::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDamaged = 1000;
constexpr std::string_view kSnapshotPrefix = "snapshot-";

/// The folder of one snapshot, which goes again unless the backup is completed.
class SnapshotFolder {
 public:
  explicit SnapshotFolder(const fs::path& backup)
      : name_(std::string(kSnapshotPrefix) + random_uuid()), path_(backup / name_) {}
  ~SnapshotFolder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  SnapshotFolder(const SnapshotFolder&) = delete;
  SnapshotFolder& operator=(const SnapshotFolder&) = delete;

  const std::string& name() const { return name_; }
  const fs::path& path() const { return path_; }
  fs::path catalogue() const { return path_ / kSnapshotCatalogue; }
  void keep() { kept_ = true; }

 private:
  const std::string name_;
  const fs::path path_;
  bool kept_ = false;
};

/// One run.
class Backup {
 public:
  Backup(const Configuration& configuration, const std::string& destination,
         const BackupOptions& options)
      : configuration_(configuration), options_(options), destination_(real_path(destination)) {
    configuration_.data = real_path(configuration.data).string();
  }

  Result<BackupReport> run();

 private:
  Result<void> check_places() const;
  Result<void> copy_catalogue(const SnapshotFolder& snapshot) const;
  Result<void> copy_key(const SnapshotFolder& snapshot);
  Result<std::string> digest_of_key() const;
  Result<void> copy_blobs(catalogue::Catalogue& catalogue);
  Result<void> copy_blob(const StoredBlob& blob);
  Result<void> note_damage(const StoredBlob& blob, const Error& error);
  Result<void> complete(SnapshotFolder& snapshot);
  void prune(const std::string& snapshot) const;
  void prune_store(const fs::path& store) const;

  fs::path store_directory(const StoreSettings& store) const {
    return real_path(configuration_.path(store.directory));
  }

  Configuration configuration_;
  const BackupOptions& options_;
  const fs::path destination_;
  BackupReport report_;
  std::set<std::string> stores_;
  std::set<fs::path> kept_;     ///< blobs of this backup, relative to its stores
  std::set<fs::path> touched_;  ///< folders whose entries are not durable yet
};

Result<void> Backup::check_places() const {
  if (configuration_.catalogue.engine != CatalogueSettings::Engine::sqlite) {
    return fail(Code::unsupported,
                "the catalogue is kept in memory, so there is nothing to back up");
  }
  const std::string shown = destination_.string();
  const auto refuse = [&shown](const std::string& place) {
    return fail(Code::invalid, "the backup can't go to " + shown + ", which lies in " + place +
                                   "; name a folder elsewhere, best on another disk");
  };
  if (lies_in(destination_, configuration_.data)) return refuse("the data folder itself");
  for (const auto& [name, store] : configuration_.stores) {
    if (store.kind == StoreSettings::Kind::file && lies_in(destination_, store_directory(store))) {
      return refuse("the folder of the store '" + name + "'");
    }
  }
  if (!is_folder(configuration_.data)) {
    return fail(Code::not_found, "there is no data folder at " + configuration_.data +
                                     "; name the server's with --data or --config");
  }
  auto entries = entries_of(destination_);
  if (!entries) return pass(entries);
  std::error_code error;
  if (!entries->empty() && !fs::exists(destination_ / kBackupLock, error)) {
    return fail(Code::conflict,
                "the folder " + shown +
                    " holds something that is no backup; name another, or an empty one");
  }
  return {};
}

Result<void> Backup::copy_catalogue(const SnapshotFolder& snapshot) const {
  const std::string source = configuration_.path(configuration_.catalogue.path);
  if (auto checked = catalogue::sqlite::check_file(source); !checked) return checked;
  if (auto made = make_folders(snapshot.path()); !made) return made;
  // The file is copied without being opened as a catalogue: that would bring it up to this
  // release's form, under the feet of a running server of an older one.
  return catalogue::sqlite::copy_file(source, snapshot.catalogue().string());
}

Result<void> Backup::copy_key(const SnapshotFolder& snapshot) {
  const fs::path key = real_path(configuration_.path(configuration_.master_key));
  std::error_code error;
  // A key that is kept elsewhere is kept apart on purpose.
  if (!lies_in(key, configuration_.data) || !fs::exists(key, error)) return {};
  auto copied = copy_durably(key, snapshot.path() / kSnapshotKey, {});
  if (!copied) return pass(copied);
  report_.master_key = true;
  return {};
}

// Of the key that opens everything in the catalogue; empty if there is none that can be read.
Result<std::string> Backup::digest_of_key() const {
  const std::string key = configuration_.path(configuration_.master_key);
  std::error_code error;
  if (fs::exists(next_master_key(key), error)) {
    return fail(Code::conflict,
                "a renewal of the master key is under way or was not ended, so no one key would "
                "open this backup; if no visord rekey runs, stop the server, run visord rekey and "
                "make the backup then",
                key);
  }
  return file_sha256(key).value_or("");
}

Result<void> Backup::note_damage(const StoredBlob& blob, const Error& error) {
  if (report_.damaged.size() == kMostDamaged) {
    return fail(Code::corrupt,
                "more than " + std::to_string(kMostDamaged) +
                    " blobs are missing or damaged; see whether the stores' disks are all there",
                error.where);
  }
  const bool missing = error.code == Code::not_found;
  report_.damaged.push_back({blob.store, blob.key, missing ? "it is missing" : error.message});
  return {};
}

Result<void> Backup::copy_blob(const StoredBlob& blob) {
  const auto found = configuration_.stores.find(blob.store);
  if (found == configuration_.stores.end() || found->second.kind != StoreSettings::Kind::file) {
    ++report_.outside[blob.store];
    return {};
  }
  const fs::path within = fs::path(blob.store) / blob_path(blob.key);
  const fs::path source = store_directory(found->second) / blob_path(blob.key);
  const fs::path target = destination_ / kBackupStores / within;
  if (stores_.insert(blob.store).second && !is_folder(store_directory(found->second))) {
    return fail(Code::not_found, "the folder of the store '" + blob.store +
                                     "' is missing: see whether its disk is there");
  }
  std::error_code error;
  const auto size = fs::is_regular_file(fs::symlink_status(target, error))
                        ? std::optional(fs::file_size(target, error))
                        : std::nullopt;
  if (size && !error && (blob.size ? *blob.size : fs::file_size(source, error)) == *size &&
      !error) {
    report_.bytes += *size;
  } else {
    if (auto made = make_folders(target.parent_path()); !made) return made;
    const CopyRules rules{blob.size, options_.verify ? blob.sha256 : "", !options_.verify};
    auto copied = copy_durably(source, target, rules);
    if (!copied) {
      const Code code = copied.error().code;
      if (code != Code::not_found && code != Code::corrupt) return pass(copied);
      return note_damage(blob, copied.error());
    }
    touched_.insert(target.parent_path());
    report_.bytes += *copied;
    report_.copied_bytes += *copied;
    ++report_.copied_blobs;
  }
  ++report_.blobs;
  kept_.insert(within);
  return {};
}

Result<void> Backup::copy_blobs(catalogue::Catalogue& catalogue) {
  return each_stored_blob(catalogue, [this](const StoredBlob& blob) -> Result<void> {
    if (auto copied = copy_blob(blob); !copied) return copied;
    if (options_.on_blob && !options_.on_blob(report_.blobs)) {
      return fail(Code::cancelled, "the backup was broken off");
    }
    return {};
  });
}

Result<void> Backup::complete(SnapshotFolder& snapshot) {
  for (const fs::path& folder : touched_) {
    if (auto synced = sync_folder(folder); !synced) return synced;
  }
  if (auto synced = sync_folder(snapshot.path()); !synced) return synced;
  auto digest = file_sha256(snapshot.catalogue());
  if (!digest) return pass(digest);
  BackupManifest manifest{format_iso_time(Clock::system().now()),
                          snapshot.name(),
                          std::move(*digest),
                          report_.master_key,
                          report_.images,
                          report_.blobs,
                          report_.bytes,
                          {stores_.begin(), stores_.end()},
                          report_.outside,
                          report_.damaged};
  // From here on the new backup counts; until here the earlier one did.
  auto written = write_durably(destination_ / kManifestName, write_manifest(manifest));
  if (written) snapshot.keep();
  return written;
}

void Backup::prune_store(const fs::path& store) const {
  std::error_code ignored;
  for (const fs::path& folder : entries_of(store).value_or(std::vector<fs::path>{})) {
    if (!is_folder(folder)) continue;
    for (const fs::path& file : entries_of(folder).value_or(std::vector<fs::path>{})) {
      const fs::path within = store.filename() / folder.filename() / file.filename();
      if (!kept_.contains(within)) fs::remove(file, ignored);
    }
  }
}

// What it leaves, for lack of permission or in a crash, the next run takes away.
void Backup::prune(const std::string& snapshot) const {
  std::error_code ignored;
  for (const fs::path& entry : entries_of(destination_).value_or(std::vector<fs::path>{})) {
    const std::string name = entry.filename().string();
    if (name.starts_with(kSnapshotPrefix) && name != snapshot) fs::remove_all(entry, ignored);
  }
  const fs::path stores = destination_ / kBackupStores;
  for (const fs::path& store : entries_of(stores).value_or(std::vector<fs::path>{})) {
    if (is_folder(store)) prune_store(store);
  }
}

Result<BackupReport> Backup::run() {
  if (auto checked = check_places(); !checked) return pass(checked);
  if (auto made = make_folders(destination_); !made) return pass(made);
  auto destination = FileLock::take(
      destination_ / kBackupLock,
      "another backup is being made in " + destination_.string() + "; try again when it is done");
  if (!destination) return pass(destination);
  // Taken before the snapshot, so that nothing the snapshot names is removed before it is copied.
  auto removals = FileLock::take(
      fs::path(configuration_.data) / kBackupLock,
      "another backup of " + configuration_.data + " is being made; try again when it is done");
  if (!removals) return pass(removals);

  SnapshotFolder snapshot(destination_);
  auto key_before = digest_of_key();
  if (!key_before) return pass(key_before);
  if (auto copied = copy_catalogue(snapshot); !copied) return pass(copied);
  if (auto copied = copy_key(snapshot); !copied) return pass(copied);
  auto key = digest_of_key();
  if (!key) return pass(key);
  if (*key != *key_before) {
    return fail(Code::conflict,
                "the master key was renewed while the backup was being made; make it again");
  }
  {
    auto catalogue = open_snapshot(snapshot.catalogue());
    if (!catalogue) return pass(catalogue);
    auto images = count_images(**catalogue);
    if (!images) return pass(images);
    report_.images = *images;
    if (auto copied = copy_blobs(**catalogue); !copied) return pass(copied);
  }
  if (auto completed = complete(snapshot); !completed) return pass(completed);
  prune(snapshot.name());
  return std::move(report_);
}

}  // namespace

Result<BackupReport> make_backup(const Configuration& configuration, const std::string& destination,
                                 const BackupOptions& options) {
  return Backup(configuration, destination, options).run();
}

}  // namespace visor::app
