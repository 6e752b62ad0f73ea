#include "app/application_parts.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "app/audit_log.h"
#include "app/hdfs_parts.h"
#include "app/rekey.h"
#include "app/s3_parts.h"
#include "async/executor.h"
#include "base/log.h"
#include "catalogue/memory/memory_catalogue.h"
#include "catalogue/sqlite/sqlite_catalogue.h"
#include "store/file/file_store.h"
#include "store/http/http_store.h"
#include "store/measured_store.h"
#include "store/memory/memory_store.h"
#include "store/reference/file_reference_store.h"

namespace visor::app {
namespace {

using async::run_until_done;

constexpr std::size_t kSliceBytes = 512 * kKiB;
constexpr std::size_t kKeptSlices = 16;
// What waits in a pool's queue at most before a new operation is told to come again.
constexpr std::size_t kPoolQueue = 4096;

std::optional<std::string> from_environment(const char* name) {
  const char* value = ::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// The log itself says so if it can't be written.
void tell_of_root(audit::Log* audit, std::string verb, const std::string& access_key,
                  std::string detail) {
  if (audit == nullptr) return;
  audit::Event event = audit::own_event(std::move(verb), std::move(detail));
  event.subject = access_key;
  [[maybe_unused]] const auto told = audit->append(event);
}

}  // namespace

std::size_t or_cores(std::size_t threads) {
  return threads != 0 ? threads : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

Result<std::unique_ptr<catalogue::Catalogue>> open_catalogue(const Configuration& configuration) {
  if (configuration.catalogue.engine == CatalogueSettings::Engine::memory) {
    return std::make_unique<catalogue::MemoryCatalogue>();
  }
  catalogue::SqliteCatalogue::Options options;
  options.path = configuration.path(configuration.catalogue.path);
  options.readers = configuration.threads.catalogue;
  auto opened = catalogue::SqliteCatalogue::open(std::move(options));
  if (!opened) return pass(opened);
  return std::move(*opened);
}

// A new key where secrets lie that were sealed under another would lock everybody out without a
// word.
Result<auth::SecretBox> open_master_key(const Configuration& configuration,
                                        catalogue::Catalogue& catalogue) {
  const std::string path = configuration.path(configuration.master_key);
  auto loaded = load_master_key(path);
  if (loaded || loaded.error().code != Code::not_found) return loaded;
  catalogue::Query accounts;
  accounts.collection = auth::kAccountCollection;
  accounts.limit = 1;
  auto found = catalogue.find(accounts);
  if (!found) return pass(found);
  if (!found->records.empty()) {
    return fail(
        Code::not_found,
        "the master key " + path +
            " is missing, but there are accounts whose secrets only it can open. Put the key "
            "file back (from a backup, or where master_key in the configuration says).");
  }
  return auth::SecretBox::load_or_create(path);
}

Application::Parts::Parts(Configuration the_configuration, DataFolder the_folder)
    : configuration(std::move(the_configuration)),
      folder(std::move(the_folder)),
      catalogue_pool("catalogue", configuration.threads.catalogue, kPoolQueue),
      disk_pool("disk", configuration.threads.disk, kPoolQueue),
      digest_pool("digest", or_cores(configuration.threads.digest), kPoolQueue),
      slices(kSliceBytes, kKeptSlices) {}

Result<void> Application::Parts::open_stores() {
  const ReferenceSettings& references = configuration.references;
  fetch::Guard::Options guard_options;
  guard_options.ports = references.ports;
  guard_options.exceptions = references.exceptions;
  auto guard = fetch::Guard::create(std::move(guard_options));
  if (!guard) return pass(guard);
  fetch::Fetcher::Options fetch_options;
  fetch_options.connect_timeout = references.connect_timeout;
  fetch_options.first_byte_timeout = references.answer_timeout;
  fetch_options.minimum_rate = references.minimum_rate;
  fetch_options.most_redirects = references.redirects;
  fetch_options.authorities_file = configuration.path(references.authorities);
  auto created = fetch::Fetcher::create(std::move(fetch_options), std::move(*guard));
  if (!created) return pass(created);
  fetcher = std::move(*created);

  const auto part_memory = s3_memory();
  for (const auto& [name, settings] : configuration.stores) {
    switch (settings.kind) {
      case StoreSettings::Kind::file: {
        store::FileStore::Options options;
        options.directory = configuration.path(settings.directory);
        options.hold_removals_lock = folder->file("backup.lock");
        auto opened = store::FileStore::open(std::move(options), disk_pool);
        if (!opened) return pass(opened);
        stores.add(name, store::measured(name, std::move(*opened)));
        break;
      }
      case StoreSettings::Kind::memory:
        stores.add(name, store::measured(
                             name, std::make_unique<store::MemoryStore>(store::MemoryStore::Options{
                                       .name = name, .capacity = settings.capacity})));
        break;
      case StoreSettings::Kind::http:
        stores.add_reference(name,
                             store::measured(name, std::make_unique<store::HttpStore>(*fetcher)),
                             {"http", "https"});
        break;
      case StoreSettings::Kind::hdfs: {
        auto opened = open_hdfs(settings.hdfs, configuration);
        if (!opened) return pass(opened);
        cut_stores.emplace_back([remote = opened->get()] { remote->stop(); });
        stores.add(name, store::measured(name, std::move(*opened)));
        break;
      }
      case StoreSettings::Kind::s3: {
        auto opened = open_s3(settings.s3, configuration, part_memory);
        if (!opened) return pass(opened);
        cut_stores.emplace_back([remote = opened->get()] { remote->stop(); });
        stores.add(name, store::measured(name, std::move(*opened)));
        break;
      }
    }
  }
  auto files = store::FileReferenceStore::open(references.folders, disk_pool);
  if (!files) return pass(files);
  stores.add_reference("file", store::measured("reference", std::move(*files)), {"file"});
  stores.set_default(configuration.default_store);
  return {};
}

Result<void> Application::Parts::open_accounts(
    const std::function<void(const FirstAdministrator&)>& tell) {
  auto box = open_master_key(configuration, *catalogue);
  if (!box) return pass(box);
  token_key = box->derive("tokens");
  accounts.emplace(*client, std::move(*box));

  // Before anything is sealed anew: an exchanged key file must not pass for the right one.
  if (auto opened = run_until_done(accounts->check_master_key()); !opened) return pass(opened);

  auto log_of_changes = open_audit_log(configuration);
  if (!log_of_changes) return pass(log_of_changes);
  audit = std::move(*log_of_changes);

  std::optional<Secret> given_secret;
  if (auto text = from_environment("VISOR_ROOT_SECRET_KEY")) given_secret.emplace(std::move(*text));
  auto root = run_until_done(
      accounts->ensure_root(from_environment("VISOR_ROOT_ACCESS_KEY"), std::move(given_secret)));
  // What was given must not be read from this process's environment later on.
  ::unsetenv("VISOR_ROOT_SECRET_KEY");
  if (!root) return pass(root);
  using Action = auth::RootOutcome::Action;
  switch (root->action) {
    case Action::created:
      tell_of_root(audit.get(), "account.create", root->access_key, "the first administrator");
      log::info("the first administrator was made", {{"account", root->access_key}});
      break;
    case Action::replaced:
      tell_of_root(audit.get(), "account.update", root->access_key,
                   "administrator=true, enabled=true, a new secret from the environment");
      log::warning("an administrator's secret was set from the environment",
                   {{"account", root->access_key}});
      break;
    case Action::ignored:
      log::warning(
          "VISOR_ROOT_ACCESS_KEY names no account, and there is an administrator already: it was "
          "ignored",
          {{"account", root->access_key}});
      break;
    case Action::kept:
      break;
  }
  if (root->secret) tell({root->access_key, *root->secret});
  return {};
}

}  // namespace visor::app
