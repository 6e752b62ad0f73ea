#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "app/access_log.h"
#include "app/application_parts.h"
#include "app/glance_parts.h"
#include "async/executor.h"
#include "base/log.h"
#include "front/glance/glance_front_end.h"
#include "front/glance/standard_definitions.h"
#include "front/identity/identity_front_end.h"
#include "front/native/native_front_end.h"
#include "net/address.h"

namespace visor::app {
namespace {

using async::run_until_done;

constexpr auto kTidyPeriod = std::chrono::seconds(30);
// Looking costs a load of a flag.
constexpr auto kLookForWork = std::chrono::milliseconds(200);
// Looking costs a read of the newest changes.
constexpr auto kLookForChanges = std::chrono::seconds(1);
// A store that does not say by then whose it is keeps nobody from the others.
constexpr auto kPatienceWithStores = std::chrono::seconds(5);

std::string_view name_of(FrontEndKind kind) {
  switch (kind) {
    case FrontEndKind::native:
      return "native";
    case FrontEndKind::glance:
      return "glance";
    case FrontEndKind::identity:
      return "identity";
    case FrontEndKind::operations:
      return "operations";
  }
  return "unknown";
}

bool serves(const ListenerSettings& listener, FrontEndKind kind) {
  return std::ranges::find(listener.serves, kind) != listener.serves.end();
}

bool for_operations(const ListenerSettings& listener) {
  return serves(listener, FrontEndKind::operations);
}

bool anywhere(const Configuration& configuration, FrontEndKind kind) {
  return std::ranges::any_of(configuration.listeners, [kind](const ListenerSettings& listener) {
    return serves(listener, kind);
  });
}

void warn_of_plain_http(const std::string& where) {
  const auto address = net::parse_address(where);
  if (!address || address->loopback()) return;
  log::warning(
      "this address is reached from other machines without TLS: who is on the way can read images "
      "and change them unnoticed; give the listener a certificate (listeners, tls), or listen on "
      "127.0.0.1 behind a proxy that speaks TLS",
      {{"address", where}});
}

auth::AuthenticatorOptions authenticator_options(const AccountSettings& settings) {
  auth::AuthenticatorOptions options;
  options.visor_scheme = settings.visor_signatures;
  options.visor_window =
      std::chrono::duration_cast<std::chrono::seconds>(settings.signature_window);
  options.sigv4.window = options.visor_window;
  options.sigv4.presigned_limit =
      std::chrono::duration_cast<std::chrono::seconds>(settings.presigned_limit);
  options.sigv4.unsigned_payload = settings.unsigned_payload;
  options.anonymous = settings.anonymous_read;
  options.refuse_replays = settings.refuse_replays;
  return options;
}

}  // namespace

// Null for a listener without TLS.
Result<std::shared_ptr<net::TlsContext>> open_tls(const Configuration& configuration,
                                                  const ListenerSettings& listener) {
  if (!listener.tls) return nullptr;
  net::TlsSettings settings = *listener.tls;
  for (std::string* path : {&settings.certificate, &settings.key, &settings.client_authorities}) {
    *path = configuration.path(*path);
  }
  return net::TlsContext::load(std::move(settings));
}

Result<void> check_files(const Configuration& configuration) {
  for (const auto& listener : configuration.listeners) {
    if (auto context = open_tls(configuration, listener); !context) return pass(context);
  }
  return {};
}

async::Task<Result<void>> Application::Parts::recover() {
  Result<void> recovered = co_await images->recover();
  if (!recovered) co_return recovered;
  Result<void> placed = co_await placements->recover();
  if (!placed) co_return placed;
  co_return co_await imports->recover();
}

service::Foundation Application::Parts::foundation() {
  return {*client, stores, digest_pool, slices, Clock::system(), *quotas, audit.get()};
}

Result<void> Application::Parts::serve(net::InheritedSockets* inherited) {
  quotas.emplace(*accounts, configuration.quotas);
  service::Options options;
  options.digests = configuration.digests;
  options.largest_image = configuration.largest_image;
  options.keep_deleted = configuration.keep_deleted;
  options.placement = configuration.placement;
  images.emplace(foundation(), options);
  placements.emplace(foundation(), configuration.digests);
  imports.emplace(foundation(), *images, *placements, configuration.digests);
  locations.emplace(foundation());
  const std::size_t recovery = jobs.add("recovery", std::chrono::milliseconds(0));
  if (auto recovered = jobs.run(recovery, [this] { return run_until_done(recover()); });
      !recovered) {
    return pass(recovered);
  }
  start_manifests();
  if (auto ours = check_owners(); !ours) return pass(ours);
  if (auto made = make_front_ends(); !made) return pass(made);

  http::Server::Options server_options;
  server_options.limits = configuration.limits;
  server_options.loops = or_cores(configuration.threads.loops);
  server_options.on_done = [this](const http::RequestRecord& record) {
    operations.count(record);
    log_request(record);
  };
  // Handlers that wait for other servers don't notice that their client's connection was ended.
  server_options.on_cut = [this] { cut_outbound(); };
  if (auto listens = listen(std::move(server_options), inherited); !listens) return pass(listens);
  start_jobs();
  return {};
}

http::Handler* Application::Parts::handler_of(std::size_t listener) const {
  const ListenerSettings& settings = configuration.listeners[listener];
  if (serves(settings, FrontEndKind::glance)) return glance[listener].get();
  if (serves(settings, FrontEndKind::identity)) return identity.get();
  return native.get();
}

Result<void> Application::Parts::make_front_ends() {
  users.emplace(*accounts, audit.get());
  authenticator.emplace(*accounts, authenticator_options(configuration.accounts));
  front::native::Options native_options;
  native_options.public_address = configuration.public_address;
  native_options.requests = &requests;
  native_options.jobs = &jobs;
  native_options.placements = &*placements;
  native_options.audit = audit.get();
  native = std::make_unique<front::native::NativeFrontEnd>(*images, *users, *authenticator,
                                                           std::move(native_options));

  if (anywhere(configuration, FrontEndKind::glance) ||
      anywhere(configuration, FrontEndKind::identity)) {
    auto opened = IdentityParts::open(configuration, {*client, *accounts, token_key});
    if (!opened) return pass(opened);
    identities = std::move(*opened);
  }
  if (anywhere(configuration, FrontEndKind::glance)) {
    if (auto made = make_definitions(); !made) return made;
    for (const auto& listener : configuration.listeners) make_glance(listener);
  }
  if (anywhere(configuration, FrontEndKind::identity)) {
    const OwnIdentitySettings& own = configuration.identity.own;
    front::identity::Options identity_options;
    identity_options.region = own.region;
    identity_options.identity_address = own.identity_address;
    identity_options.image_address = own.image_address;
    identity_options.image_listener = [this] { return image_listener.load(); };
    identity_options.endpoints = own.endpoints;
    identity_options.audit = audit.get();
    identity = std::make_unique<front::identity::IdentityFrontEnd>(identities->token_service(),
                                                                   std::move(identity_options));
  }
  return {};
}

void Application::Parts::make_glance(const ListenerSettings& listener) {
  if (!serves(listener, FrontEndKind::glance)) {
    warm.push_back(nullptr);
    glance.push_back(nullptr);
    return;
  }
  warm.push_back(std::make_unique<service::WarmImages>(foundation(), *images));
  front::glance::Options options = glance_options(configuration);
  if (configuration.glance.show_multiple_locations) options.locations = &*locations;
  options.imports = &*imports;
  options.definitions = &*definitions;
  options.cache = warm.back().get();
  options.audit = audit.get();
  glance.push_back(std::make_unique<front::glance::GlanceFrontEnd>(*images, identities->source(),
                                                                   std::move(options)));
}

Result<void> Application::Parts::make_definitions() {
  definitions.emplace(*client, Clock::system(), audit.get());
  auto standard = front::glance::standard_definitions();
  if (!standard) return pass(standard);
  return run_until_done(definitions->load(std::move(*standard)));
}

Result<void> Application::Parts::listen(http::Server::Options options,
                                        net::InheritedSockets* inherited) {
  std::vector<http::Server::Mount> operations_mounts;
  for (std::size_t i = 0; i < configuration.listeners.size(); ++i) {
    const ListenerSettings& listener = configuration.listeners[i];
    auto context = open_tls(configuration, listener);
    if (!context) return pass(context);
    tls.push_back(*context);
    if (for_operations(listener)) {
      operations_mounts.push_back({listener.address.text(), &operations.handler(), *context});
    } else {
      options.mounts.push_back({listener.address.text(), handler_of(i), *context});
    }
  }
  server.emplace(std::move(options));
  if (auto started = server->start(inherited); !started) return pass(started);
  Operations::Watched watched{
      *client, stores, *server, {&catalogue_pool, &disk_pool, &digest_pool}};
  for (const auto& [name, settings] : configuration.stores) {
    if (settings.kind != StoreSettings::Kind::file) continue;
    watched.folders.push_back({"the store " + name, configuration.path(settings.directory)});
  }
  if (auto serves = operations.serve(std::move(watched), std::move(operations_mounts), inherited);
      !serves) {
    return pass(serves);
  }
  const std::vector<std::string> operations_addresses = operations.addresses();
  std::size_t server_address = 0;
  std::size_t operations_address = 0;
  for (std::size_t i = 0; i < configuration.listeners.size(); ++i) {
    std::string names;
    for (const auto kind : configuration.listeners[i].serves) {
      names += (names.empty() ? "" : ", ") + std::string(name_of(kind));
    }
    const std::string& where = for_operations(configuration.listeners[i])
                                   ? operations_addresses[operations_address++]
                                   : server->addresses()[server_address++];
    if (!tls[i] && !for_operations(configuration.listeners[i])) warn_of_plain_http(where);
    // The first one is everybody's.
    if (serves(configuration.listeners[i], FrontEndKind::glance) &&
        image_listener.load().port == 0) {
      const auto address = net::parse_address(where);
      if (address) image_listener.store({address->port(), tls[i] != nullptr});
    }
    addresses.push_back({(tls[i] ? "https://" : "http://") + where, std::move(names)});
  }
  return {};
}

void Application::Parts::start_jobs() {
  const std::size_t certificates =
      std::ranges::any_of(tls, [](const auto& context) { return context != nullptr; })
          ? jobs.add("certificates", kTidyPeriod)
          : SIZE_MAX;
  const std::size_t tidy = jobs.add("tidy", kTidyPeriod);
  stores.tidy();
  tidying.emplace(kTidyPeriod, [this, certificates, tidy] {
    if (certificates != SIZE_MAX) {
      // What is wrong with a certificate is in the log, and the old one stays.
      [[maybe_unused]] const Result<void> looked = jobs.run(certificates, [this]() -> Result<void> {
        for (const auto& context : tls) {
          if (context) context->reload_if_changed();
        }
        return {};
      });
    }
    stores.tidy();
    auto tidied = jobs.run(tidy, [this] {
      auto of_images = run_until_done(images->tidy());
      auto of_placements = run_until_done(placements->tidy());
      if (auto of_imports = run_until_done(imports->tidy()); of_placements)
        of_placements = std::move(of_imports);
      if (identities) {
        if (auto of_tokens = run_until_done(identities->tidy()); !of_tokens) return of_tokens;
      }
      return of_images ? std::move(of_placements) : std::move(of_images);
    });
    if (!tidied) log::failure(log::Level::warning, "the regular tidying failed", tidied.error());
  });
  placing.emplace(kLookForWork, [this] {
    if (placements->due()) run_until_done(placements->run());
  });
  importing.emplace(kLookForWork, [this] {
    if (imports->due()) run_until_done(imports->run());
  });
  warming.emplace(kLookForWork, [this] {
    for (const auto& images_of_node : warm) {
      if (images_of_node && images_of_node->due()) run_until_done(images_of_node->run());
    }
  });
}

void Application::Parts::start_manifests() {
  // Of a catalogue that is gone with the process nothing has to be told, and no store is its own.
  if (configuration.catalogue.engine == CatalogueSettings::Engine::memory) return;
  for (const std::string& name : stores.names()) {
    const store::Capability can = stores.named(name)->capability();
    if (!can.writable || !can.listable) continue;
    manifests.push_back(std::make_unique<service::ManifestWriter>(*client, stores, name));
    const std::size_t job = jobs.add("manifests of " + name, kLookForChanges);
    describing.push_back(std::make_unique<PeriodicTask>(
        kLookForChanges,
        [this, job, writer = manifests.back().get()] {
          if (!writer->due()) return;
          // What went wrong is in the log, once.
          [[maybe_unused]] const auto written = jobs.run(job, [writer] {
            return run_until_done(writer->looked() ? writer->run() : writer->look());
          });
        },
        PeriodicTask::First::at_once));
  }
}

Result<void> Application::Parts::check_owners() {
  const auto deadline = std::chrono::steady_clock::now() + kPatienceWithStores;
  for (const auto& writer : manifests) {
    if (auto ours = writer->await_owner(deadline); !ours) return ours;
  }
  return {};
}

}  // namespace visor::app
