#include "app/application.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "app/application_parts.h"
#include "async/executor.h"
#include "base/log.h"

namespace visor::app {

using async::run_until_done;

namespace {

constexpr auto kLastWords = std::chrono::seconds(2);

}  // namespace

void Application::Parts::cut_outbound() {
  fetcher->stop();
  for (const auto& cut : cut_stores) cut();
  if (identities) identities->cut();
}

void Application::Parts::finish_writing() {
  if (!images || !catalogue) return;
  if (auto tidied = run_until_done(images->tidy()); !tidied) {
    log::failure(log::Level::warning, "the last tidying failed", tidied.error());
  }
}

void Application::Parts::stop_manifests() {
  for (const auto& writer : manifests) writer->stop();
  describing.clear();
}

void Application::Parts::stop_warming() {
  for (const auto& images_of_node : warm) {
    if (images_of_node) images_of_node->stop();
  }
  warming.reset();
}

void Application::Parts::let_go() {
  stop_warming();
  if (imports) imports->stop();
  if (placements) placements->stop();
  importing.reset();
  stop_manifests();
  placing.reset();
  tidying.reset();
  operations.let_go();
  finish_writing();
  // Downloads don't ask for it any more; others would have been waited for.
  if (audit) audit->close();
  catalogue.reset();
  folder.reset();
}

void Application::Parts::stop(bool sockets_stay) {
  if (std::exchange(stopped, true)) return;
  stop_warming();
  if (imports) imports->stop();
  if (placements) placements->stop();
  for (const auto& writer : manifests) writer->stop();
  tidying.reset();
  operations.server_stops();
  const auto deadline = std::chrono::steady_clock::now() + configuration.shutdown_deadline;
  if (server && sockets_stay && catalogue) {
    server->pause();
    // What is not done by then is ended below.
    [[maybe_unused]] const bool done =
        server->settle(configuration.drain_grace, configuration.shutdown_deadline);
  }
  if (server) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    server->stop(std::max(left, std::chrono::milliseconds(0)));
  }
  // A manifest is written in no time, and one that is cut off may leave something in its store.
  const auto last_words = std::min(deadline, std::chrono::steady_clock::now() + kLastWords);
  for (const auto& writer : manifests) writer->await_end(last_words);
  // Work that has not ended by now waits for a store elsewhere.
  const bool describes = std::ranges::any_of(manifests, &service::ManifestWriter::under_way);
  const bool imports_some = imports && imports->under_way();
  if (describes || imports_some || (placements && placements->under_way())) cut_outbound();
  importing.reset();
  placing.reset();
  stop_manifests();
  finish_writing();
  if (audit) audit->close();
}

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Application::~Application() { stop(); }

Result<std::unique_ptr<Application>> Application::start(
    Configuration configuration, const std::function<void(const FirstAdministrator&)>& tell,
    net::InheritedSockets* inherited) {
  try {
    auto folder = DataFolder::open(configuration.data);
    if (!folder) return pass(folder);
    configuration.data = folder->path();
    auto parts = std::make_unique<Parts>(std::move(configuration), std::move(*folder));
    auto catalogue = open_catalogue(parts->configuration);
    if (!catalogue) return pass(catalogue);
    parts->catalogue = std::move(*catalogue);
    parts->client.emplace(*parts->catalogue, parts->catalogue_pool);
    std::unique_ptr<Application> application(new Application(std::move(parts)));
    if (auto opened = application->parts_->open_stores(); !opened) return pass(opened);
    if (auto opened = application->parts_->open_accounts(tell); !opened) return pass(opened);
    if (auto served = application->parts_->serve(inherited); !served) return pass(served);
    return application;
  } catch (const std::system_error& shortage) {
    return fail(Code::unavailable,
                "the server can't start: the system gives it no more threads. Raise the limit of "
                "processes (ulimit -u, TasksMax= of the unit), or lower the numbers under threads "
                "in the configuration.",
                shortage.what());
  } catch (const std::bad_alloc&) {
    return fail(Code::unavailable, "the server can't start: there is not enough memory for it");
  }
}

const std::vector<Application::Address>& Application::addresses() const {
  return parts_->addresses;
}

void Application::reload() {
  for (const auto& context : parts_->tls) {
    if (!context) continue;
    // The log has what went wrong.
    [[maybe_unused]] const Result<void> reloaded = context->reload();
  }
}

void Application::stop(bool sockets_stay) { parts_->stop(sockets_stay); }

std::vector<http::Server::ListeningSocket> Application::sockets() const {
  std::vector<http::Server::ListeningSocket> all = parts_->server->sockets();
  for (auto& socket : parts_->operations.sockets()) all.push_back(std::move(socket));
  return all;
}

bool Application::alive(std::chrono::milliseconds patience) {
  return parts_->server->alive(patience);
}

Result<void> Application::may_hand_over() const {
  const Configuration& configuration = parts_->configuration;
  bool memory = configuration.catalogue.engine == CatalogueSettings::Engine::memory;
  for (const auto& [name, store] : configuration.stores) {
    memory = memory || store.kind == StoreSettings::Kind::memory;
  }
  if (!memory) return {};
  return fail(Code::unsupported,
              "this server keeps images or the catalogue in memory, which no other process can "
              "take over; stop it and start the new one, and what is in memory is lost");
}

bool Application::uploads(std::chrono::milliseconds age) { return parts_->server->uploads(age); }

bool Application::settle(std::chrono::milliseconds patience, const std::function<bool()>& give_up) {
  parts_->server->pause();
  return parts_->server->settle(parts_->configuration.drain_grace, patience, give_up);
}

void Application::resume() { parts_->server->resume(); }

void Application::cut() { parts_->server->cut(); }

void Application::let_go() { parts_->let_go(); }

void Application::stop_listening() {
  parts_->server->stop_listening();
  parts_->operations.stop();
}

bool Application::downloads() const { return parts_->server->open_connections() > 0; }

}  // namespace visor::app
