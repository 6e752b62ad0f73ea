// Private to this folder: what a running server is made of.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "app/application.h"
#include "app/data_folder.h"
#include "app/identity_parts.h"
#include "app/operations.h"
#include "app/periodic_task.h"
#include "async/buffer_pool.h"
#include "async/worker_pool.h"
#include "audit/log.h"
#include "auth/accounts.h"
#include "auth/authenticator.h"
#include "catalogue/client.h"
#include "fetch/fetch.h"
#include "front/identity/identity_front_end.h"
#include "http/server.h"
#include "net/inherited_sockets.h"
#include "net/tls_context.h"
#include "service/account_quota.h"
#include "service/account_service.h"
#include "service/definition_service.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/jobs.h"
#include "service/location_service.h"
#include "service/manifest_writer.h"
#include "service/placement_service.h"
#include "service/warm_images.h"
#include "store/store_set.h"

namespace visor::app {

/// `threads`, or one for each of the machine's cores if it is 0.
std::size_t or_cores(std::size_t threads);

Result<std::unique_ptr<catalogue::Catalogue>> open_catalogue(const Configuration& configuration);

/// The key that opens the accounts' secrets. A new one is made only if there are no accounts.
Result<auth::SecretBox> open_master_key(const Configuration& configuration,
                                        catalogue::Catalogue& catalogue);

/// The certificate of a listener; null for one without TLS.
Result<std::shared_ptr<net::TlsContext>> open_tls(const Configuration& configuration,
                                                  const ListenerSettings& listener);

/// The live requests of a server that begins later than who asks for them.
class RequestsOf final : public http::LiveRequests {
 public:
  explicit RequestsOf(std::optional<http::Server>& server) : server_(server) {}
  async::Task<std::vector<http::LiveRequest>> list() override { return server_->live().list(); }
  async::Task<bool> cancel(std::string id) override {
    return server_->live().cancel(std::move(id));
  }

 private:
  std::optional<http::Server>& server_;
};

// In the order of dependence: each part goes before those it stands on.
struct Application::Parts {
  Parts(Configuration the_configuration, DataFolder the_folder);

  Result<void> open_stores();
  Result<void> open_accounts(const std::function<void(const FirstAdministrator&)>& tell);
  async::Task<Result<void>> recover();
  Result<void> serve(net::InheritedSockets* inherited);
  /// What the services stand on.
  service::Foundation foundation();
  /// Makes the front ends that the listeners serve.
  Result<void> make_front_ends();
  /// Makes the metadata definitions, with those that the server comes with.
  Result<void> make_definitions();
  /// Makes what answers at the next listener: if it serves glance, a node with a cache of its own.
  void make_glance(const ListenerSettings& listener);
  /// What answers at a listener.
  http::Handler* handler_of(std::size_t listener) const;
  Result<void> listen(http::Server::Options options, net::InheritedSockets* inherited);
  void start_jobs();
  void start_manifests();
  /// Waits a little for each store to say whose it is; an error if one is another server's.
  Result<void> check_owners();
  void stop_manifests();
  void stop_warming();
  /// Ends what waits for other servers.
  void cut_outbound();
  void finish_writing();
  void let_go();
  void stop(bool sockets_stay);

  Configuration configuration;
  std::optional<DataFolder> folder;  ///< nothing once it was let go
  async::WorkerPool catalogue_pool;
  async::WorkerPool disk_pool;
  async::WorkerPool digest_pool;
  async::BufferPool slices;
  std::unique_ptr<catalogue::Catalogue> catalogue;
  std::optional<catalogue::Client> client;
  std::unique_ptr<audit::Log> audit;  // null if it is switched off
  std::optional<auth::Accounts> accounts;
  Secret token_key;  ///< of the tokens that this server gives out
  std::unique_ptr<fetch::Fetcher> fetcher;
  store::StoreSet stores;
  std::vector<std::function<void()>> cut_stores;  // each ends what a store waits for elsewhere
  std::optional<service::AccountQuota> quotas;
  std::optional<service::ImageService> images;
  std::optional<service::PlacementService> placements;
  std::optional<service::ImportService> imports;
  std::optional<service::LocationService> locations;
  std::vector<std::unique_ptr<service::ManifestWriter>> manifests;  // of each store that takes data
  std::optional<service::DefinitionService> definitions;  // nothing if no listener serves glance
  std::optional<service::AccountService> users;
  std::optional<auth::Authenticator> authenticator;
  std::unique_ptr<IdentityParts> identities;  // null if no listener asks for it
  std::unique_ptr<http::Handler> native;
  // Of each listener; null where it does not serve glance. Clients take each for a node of its own,
  // with a cache of its own.
  std::vector<std::unique_ptr<service::WarmImages>> warm;
  std::vector<std::unique_ptr<http::Handler>> glance;
  std::unique_ptr<http::Handler> identity;  // null if no listener serves it
  /// Where glance is, once the server listens.
  std::atomic<front::identity::ImageListener> image_listener;
  std::vector<std::shared_ptr<net::TlsContext>> tls;  // of each listener; null for plain HTTP
  std::optional<http::Server> server;
  RequestsOf requests{server};
  service::Jobs jobs{Clock::system()};
  Operations operations;
  std::optional<PeriodicTask> tidying;
  std::optional<PeriodicTask> placing;
  std::optional<PeriodicTask> importing;
  std::optional<PeriodicTask> warming;
  /// One thread a store: one that hangs keeps no other one's manifests waiting.
  std::vector<std::unique_ptr<PeriodicTask>> describing;

  std::vector<Application::Address> addresses;
  bool stopped = false;
};

}  // namespace visor::app
