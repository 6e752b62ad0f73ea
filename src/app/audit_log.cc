#include "app/audit_log.h"

#include <optional>
#include <utility>

#include "app/rekey.h"
#include "auth/key_file.h"

namespace visor::app {

Result<audit::Seal> audit_seal(const Configuration& configuration,
                               const std::vector<std::string>& further_keys) {
  const std::string master_key = configuration.path(configuration.master_key);
  std::optional<audit::Seal> seal;
  const auto take = [&seal](const Secret& key) {
    if (seal) {
      seal->also_takes(audit::seal_key(key));
    } else {
      seal.emplace(audit::seal_key(key));
    }
  };
  auto current = auth::read_key_file(master_key);
  if (current) take(*current);
  if (auto former = auth::read_key_file(former_master_key(master_key))) take(*former);
  for (const std::string& path : further_keys) {
    auto further = auth::read_key_file(path);
    if (!further) return pass(further);
    take(*further);
  }
  if (seal) return std::move(*seal);
  return pass(current);
}

Result<std::unique_ptr<audit::Log>> open_audit_log(const Configuration& configuration) {
  const AuditSettings& settings = configuration.audit;
  if (!settings.enabled) return nullptr;
  auto seal = audit_seal(configuration);
  if (!seal) return pass(seal);
  audit::Options options;
  options.folder = configuration.path(settings.folder);
  options.durable = settings.durable;
  options.rotate_size = settings.rotate_size;
  options.rotate_age = settings.rotate_age;
  options.keep_files = settings.keep_files;
  options.keep_age = settings.keep_age;
  return audit::Log::open(std::move(options), std::move(*seal));
}

}  // namespace visor::app
