// The way back.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "app/backup.h"
#include "app/backup_contents.h"
#include "app/backup_files.h"
#include "app/backup_manifest.h"
#include "base/units.h"

namespace visor::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStaging = ".restoring";
constexpr std::size_t kLargestManifest = 16 * kMiB;

/// A folder that is filled in a folder within it, so that the move at the end stays within one file
/// system, mounted or not.
struct Place {
  fs::path folder;
  fs::path staging() const { return folder / kStaging; }
};

/// One run.
class Restore {
 public:
  Restore(const std::string& source, const Configuration& configuration)
      : configuration_(configuration), source_(real_path(source)) {
    configuration_.data = real_path(configuration.data).string();
    data_ = Place{configuration_.data};
  }
  ~Restore() {
    std::error_code ignored;
    for (const Place& place : prepared_) fs::remove_all(place.staging(), ignored);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  Result<RestoreReport> run();

 private:
  Result<void> open_manifest();
  Result<void> prepare(const Place& place, const std::string& what);
  Result<void> find_stores();
  Result<void> find_files();
  Result<void> copy_catalogue();
  Result<void> copy_blob(const StoredBlob& blob);
  Result<void> copy_key();
  Result<void> sync_all() const;
  Result<void> move_outside();
  Result<void> move_in(const Place& place, const fs::path& last) const;

  /// Where what will be at `path` is written first: in the data folder's staging folder, unless it
  /// lies elsewhere.
  fs::path staged(const fs::path& path, const fs::path& elsewhere) const {
    if (!lies_in(path, data_.folder)) return elsewhere;
    return data_.staging() / path.lexically_relative(data_.folder);
  }

  Configuration configuration_;
  const fs::path source_;
  Place data_;
  BackupManifest manifest_;
  std::set<std::pair<std::string, std::string>> known_damage_;
  std::vector<Place> prepared_;
  std::map<std::string, fs::path> stores_;  ///< where each store's blobs are written first
  fs::path catalogue_, staged_catalogue_;
  fs::path key_, staged_key_;
  std::set<fs::path> touched_;
  RestoreReport report_;
};

Result<void> Restore::open_manifest() {
  const auto text = read_small(source_ / kManifestName, kLargestManifest);
  if (!text) {
    if (text.error().code != Code::not_found) return std::unexpected<Error>(text.error());
    return fail(Code::not_found, "there is no complete backup in " + source_.string() +
                                     ": it has no " + kManifestName);
  }
  auto manifest = read_manifest(*text);
  if (!manifest) return pass(manifest);
  manifest_ = std::move(*manifest);
  for (const DamagedBlob& blob : manifest_.damaged) known_damage_.emplace(blob.store, blob.key);
  return {};
}

Result<void> Restore::prepare(const Place& place, const std::string& what) {
  auto entries = entries_of(place.folder);
  if (!entries) return pass(entries);
  for (const fs::path& entry : *entries) {
    // The first is made by the file system; the second was left by a restore that was broken off.
    if (entry.filename() == "lost+found" || entry.filename() == kStaging) continue;
    return fail(Code::conflict,
                what + " " + place.folder.string() +
                    " is not empty; a backup is restored only into a folder that is "
                    "empty or missing");
  }
  std::error_code error;
  fs::remove_all(place.staging(), error);
  if (auto made = make_folders(place.folder); !made) return made;
  prepared_.push_back(place);
  return make_folders(place.staging());
}

Result<void> Restore::find_stores() {
  for (const std::string& name : manifest_.stores) {
    const auto found = configuration_.stores.find(name);
    if (found == configuration_.stores.end() || found->second.kind != StoreSettings::Kind::file) {
      return fail(Code::invalid, "the backup has images of a file store '" + name +
                                     "', which the configuration lacks; add it and try again");
    }
    const Place place{real_path(configuration_.path(found->second.directory))};
    stores_[name] = staged(place.folder, place.staging());
    if (lies_in(place.folder, data_.folder)) continue;
    if (auto prepared = prepare(place, "the folder of the store '" + name + "',"); !prepared) {
      return prepared;
    }
  }
  return {};
}

Result<void> Restore::find_files() {
  catalogue_ = real_path(configuration_.path(configuration_.catalogue.path));
  staged_catalogue_ = staged(catalogue_, data_.staging() / (std::string(kStaging) + ".db"));
  key_ = real_path(configuration_.path(configuration_.master_key));
  staged_key_ = staged(key_, data_.staging() / (std::string(kStaging) + ".key"));
  std::vector<fs::path> taken = {catalogue_};
  if (manifest_.master_key) taken.push_back(key_);
  for (const fs::path& path : taken) {
    std::error_code error;
    if (!lies_in(path, data_.folder) && fs::exists(path, error)) {
      return fail(Code::conflict, "there is a file " + path.string() +
                                      " already; a backup replaces nothing, so move it away first");
    }
  }
  return {};
}

Result<void> Restore::copy_catalogue() {
  const fs::path source = source_ / manifest_.snapshot / kSnapshotCatalogue;
  if (auto made = make_folders(staged_catalogue_.parent_path()); !made) return made;
  auto copied = copy_durably(source, staged_catalogue_, {std::nullopt, manifest_.catalogue_sha256});
  if (copied) return {};
  if (copied.error().code != Code::corrupt && copied.error().code != Code::not_found) {
    return pass(copied);
  }
  return fail(Code::corrupt,
              "the backup is damaged: its catalogue is missing or not as it was made",
              copied.error().where);
}

Result<void> Restore::copy_blob(const StoredBlob& blob) {
  const auto store = stores_.find(blob.store);
  const bool known = known_damage_.contains({blob.store, blob.key});
  if (store == stores_.end() || known) return {};
  const fs::path within = blob_path(blob.key);
  const fs::path target = store->second / within;
  if (auto made = make_folders(target.parent_path()); !made) return made;
  auto copied =
      copy_durably(source_ / kBackupStores / blob.store / within, target, {blob.size, blob.sha256});
  if (!copied) {
    if (copied.error().code != Code::corrupt && copied.error().code != Code::not_found) {
      return pass(copied);
    }
    return fail(Code::corrupt,
                "the backup is damaged: the blob " + blob.key + " of the store '" + blob.store +
                    "' is missing or not as it was stored",
                copied.error().where);
  }
  touched_.insert(target.parent_path());
  ++report_.blobs;
  report_.bytes += *copied;
  return {};
}

Result<void> Restore::copy_key() {
  if (!manifest_.master_key) return {};
  if (auto made = make_folders(staged_key_.parent_path()); !made) return made;
  auto copied = copy_durably(source_ / manifest_.snapshot / kSnapshotKey, staged_key_, {});
  if (!copied) return pass(copied);
  report_.master_key = true;
  return {};
}

Result<void> Restore::sync_all() const {
  std::set<fs::path> folders = touched_;
  for (const fs::path& folder : touched_) folders.insert(folder.parent_path());
  folders.insert(staged_catalogue_.parent_path());
  if (manifest_.master_key) folders.insert(staged_key_.parent_path());
  for (const Place& place : prepared_) folders.insert(place.staging());
  for (const fs::path& folder : folders) {
    if (auto synced = sync_folder(folder); !synced) return synced;
  }
  return {};
}

/// Files that are configured to lie elsewhere may lie on another file system.
Result<void> Restore::move_outside() {
  std::vector<std::pair<fs::path, fs::path>> files;
  if (manifest_.master_key) files.emplace_back(staged_key_, key_);
  files.emplace_back(staged_catalogue_, catalogue_);
  for (const auto& [from, to] : files) {
    if (lies_in(to, data_.folder)) continue;
    if (auto made = make_folders(to.parent_path()); !made) return made;
    auto copied = copy_durably(from, to, {});
    if (!copied) return pass(copied);
    if (auto synced = sync_folder(to.parent_path()); !synced) return synced;
    std::error_code ignored;
    fs::remove(from, ignored);
  }
  return {};
}

Result<void> Restore::move_in(const Place& place, const fs::path& last) const {
  auto found = entries_of(place.staging());
  if (!found) return pass(found);
  std::vector<fs::path>& entries = *found;
  // The entry with the catalogue last: without it nobody takes the rest for a server's data.
  std::ranges::partition(entries, [&last](const fs::path& entry) { return !lies_in(last, entry); });
  for (const fs::path& entry : entries) {
    const fs::path target = place.folder / entry.filename();
    if (::rename(entry.c_str(), target.c_str()) != 0) {
      return fail_errno(errno, "move what was restored to " + target.string(), "restore.rename");
    }
  }
  return sync_folder(place.folder);
}

Result<RestoreReport> Restore::run() {
  if (configuration_.catalogue.engine != CatalogueSettings::Engine::sqlite) {
    return fail(
        Code::unsupported,
        "the configuration keeps the catalogue in memory, so nothing can be restored to it");
  }
  if (auto opened = open_manifest(); !opened) return pass(opened);
  if (lies_in(source_, data_.folder)) {
    return fail(Code::invalid,
                "the backup lies in the data folder itself; name another with --data");
  }
  if (auto prepared = prepare(data_, "the data folder"); !prepared) return pass(prepared);
  if (auto found = find_stores(); !found) return pass(found);
  if (auto found = find_files(); !found) return pass(found);

  report_.made = manifest_.made;
  report_.images = manifest_.images;
  report_.damaged = manifest_.damaged;
  if (auto copied = copy_catalogue(); !copied) return pass(copied);
  {
    auto catalogue = open_snapshot(staged_catalogue_);
    if (!catalogue) return pass(catalogue);
    auto copied =
        each_stored_blob(**catalogue, [this](const StoredBlob& blob) { return copy_blob(blob); });
    if (!copied) return pass(copied);
  }
  if (auto copied = copy_key(); !copied) return pass(copied);
  if (auto synced = sync_all(); !synced) return pass(synced);

  if (auto moved = move_outside(); !moved) return pass(moved);
  for (const Place& place : prepared_) {
    if (place.folder == data_.folder) continue;
    if (auto moved = move_in(place, {}); !moved) return pass(moved);
  }
  if (auto moved = move_in(data_, staged_catalogue_); !moved) return pass(moved);
  return std::move(report_);
}

}  // namespace

Result<RestoreReport> restore_backup(const std::string& source,
                                     const Configuration& configuration) {
  return Restore(source, configuration).run();
}

}  // namespace visor::app
