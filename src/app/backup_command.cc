// The two commands.
#include <algorithm>
#include <iostream>
#include <string>

#include "app/backup.h"
#include "base/units.h"

namespace visor::app {
namespace {

constexpr std::size_t kShownDamage = 20;

int report(const Error& error) {
  std::cerr << "visord: " << error.message << '\n';
  if (!error.where.empty()) std::cerr << "        (" << error.where << ")\n";
  return 1;
}

std::string counted(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

int tell_damage(const std::vector<DamagedBlob>& damaged) {
  if (damaged.empty()) return 0;
  std::cerr << "visord: " << counted(damaged.size(), "blob")
            << " could not be backed up; the images they belong to can't be downloaded either:\n";
  for (std::size_t i = 0; i < std::min(damaged.size(), kShownDamage); ++i) {
    std::cerr << "        " << damaged[i].store << " " << damaged[i].key << ": "
              << damaged[i].reason << '\n';
  }
  if (damaged.size() > kShownDamage) std::cerr << "        and more; see the backup's manifest\n";
  return 1;
}

}  // namespace

int run_backup(const Configuration& configuration, const std::string& destination) {
  const auto backup = make_backup(configuration, destination);
  if (!backup) return report(backup.error());
  std::cout << "The backup in " << destination << " has " << counted(backup->images, "image")
            << " and " << counted(backup->blobs, "blob") << " of " << format_size(backup->bytes)
            << "; " << counted(backup->copied_blobs, "blob") << " of "
            << format_size(backup->copied_bytes) << " were copied now.\n";
  for (const auto& [store, copies] : backup->outside) {
    std::cout << "Not included: " << counted(copies, "blob") << " in the store '" << store
              << "', which is no file store of this configuration.\n";
  }
  if (!backup->master_key) {
    std::cout << "Not included: the master key, which lies outside the data folder. Keep a copy of "
                 "it: without it no account's secret can be read.\n";
  }
  return tell_damage(backup->damaged);
}

int run_restore(const std::string& source, const Configuration& configuration) {
  const auto restored = restore_backup(source, configuration);
  if (!restored) return report(restored.error());
  std::cout << "Restored " << counted(restored->images, "image") << " and "
            << counted(restored->blobs, "blob") << " of " << format_size(restored->bytes) << " to "
            << configuration.data << ", as of " << restored->made << ".\n";
  if (!restored->master_key) {
    std::cout << "The backup has no master key; put the server's to "
              << configuration.path(configuration.master_key) << " before you start it.\n";
  }
  return tell_damage(restored->damaged);
}

}  // namespace visor::app
