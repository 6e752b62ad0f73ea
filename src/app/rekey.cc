#include "app/rekey.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <utility>

#include "app/application_parts.h"
#include "app/audit_log.h"
#include "app/data_folder.h"
#include "async/executor.h"
#include "async/worker_pool.h"
#include "auth/accounts.h"
#include "base/log.h"
#include "catalogue/client.h"

namespace visor::app {
namespace {

constexpr std::size_t kQueue = 64;

Result<void> sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) {
    return fail_errno(reason, "make the change of keys durable in " + folder, "app.rekey");
  }
  return {};
}

// The next key takes the place of the one in use in one step, which stays beside it.
Result<void> put_in_place(const std::string& key) {
  const std::string former = former_master_key(key);
  if (::unlink(former.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, "remove the key of an earlier renewal, " + former, "app.rekey");
  }
  if (::link(key.c_str(), former.c_str()) != 0) {
    return fail_errno(errno, "keep the former master key as " + former, "app.rekey");
  }
  if (auto synced = sync_folder_of(key); !synced) return synced;
  if (::rename(next_master_key(key).c_str(), key.c_str()) != 0) {
    return fail_errno(errno, "put the new master key in the place of " + key, "app.rekey");
  }
  return sync_folder_of(key);
}

}  // namespace

std::string next_master_key(const std::string& master_key) { return master_key + ".next"; }

std::string former_master_key(const std::string& master_key) { return master_key + ".former"; }

Result<auth::SecretBox> load_master_key(const std::string& path) {
  auto box = auth::SecretBox::load(path);
  if (!box) return box;
  auto next = auth::SecretBox::load(next_master_key(path));
  if (!next && next.error().code == Code::not_found) return box;
  if (!next) return next;
  log::warning("a renewal of the master key was not ended; stop the server and run visord rekey",
               {{"key", path}});
  box->also_open(*next);
  return box;
}

Result<Rekeyed> renew_master_key(const Configuration& given) {
  auto folder = DataFolder::open(given.data);
  if (!folder) return pass(folder);
  Configuration configuration = given;
  configuration.data = folder->path();
  auto catalogue = open_catalogue(configuration);
  if (!catalogue) return pass(catalogue);
  const std::string key = configuration.path(configuration.master_key);
  auto box = load_master_key(key);
  if (!box) return pass(box);
  async::WorkerPool pool("catalogue", 1, kQueue);
  catalogue::Client client(**catalogue, pool);
  auth::Accounts accounts(client, *box);
  // Before there is a second key: an exchanged key file must not pass for the right one.
  if (auto opened = async::run_until_done(accounts.check_master_key()); !opened) {
    return pass(opened);
  }
  // That of an earlier renewal which did not end: some secrets may be sealed with it alone.
  auto next = auth::SecretBox::load_or_create(next_master_key(key));
  if (!next) return pass(next);
  next->also_open(*box);
  auto rewritten = async::run_until_done(accounts.rekey(std::move(*next)));
  if (!rewritten) return pass(rewritten);
  if (auto placed = put_in_place(key); !placed) return pass(placed);
  // From here on the audit log's newest line and checkpoint are sealed with the new key: the next
  // renewal would take away the one that tells them from somebody else's.
  if (auto log_of_changes = open_audit_log(configuration); !log_of_changes) {
    log::failure(log::Level::warning, "the audit log could not be told of the new master key",
                 log_of_changes.error());
  }
  return Rekeyed{*rewritten, former_master_key(key)};
}

int run_rekey(const Configuration& configuration) {
  const auto renewed = renew_master_key(configuration);
  if (!renewed) {
    std::cerr << "visord: " << renewed.error().message << '\n';
    if (!renewed.error().where.empty()) std::cerr << "        (" << renewed.error().where << ")\n";
    return 1;
  }
  std::cout << "The master key is renewed; the secrets of " << renewed->accounts
            << " accounts are sealed with the new one.\n"
            << "The former key lies in " << renewed->former_key
            << ". Backups that were made before need it; make a new\n"
               "one, and remove it when no backup needs it any more.\n";
  return 0;
}

}  // namespace visor::app
