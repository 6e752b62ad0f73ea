#include "app/operations.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "async/executor.h"
#include "base/log.h"

namespace visor::app {
namespace {

using async::run_until_done;

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::seconds kBetweenExaminations{1};
// Nobody keeps these addresses' clients waiting for each other: a collector or two and a balancer.
constexpr std::size_t kConnections = 64;
constexpr std::chrono::seconds kGrace{1};
constexpr std::chrono::milliseconds kLeave{200};

// Neither a record nor a blob has this name; that there is none is an answer as good as any.
constexpr const char* kNothing = "readiness";

metrics::Gauge& gauge(std::string_view name, std::string_view help, metrics::Labels labels = {}) {
  return metrics::Registry::process().gauge(name, help, labels);
}

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

template <class T>
Result<void> answered(Result<T> result, const std::string& part) {
  if (result || result.error().code == Code::not_found) return {};
  return fail(Code::unavailable, part + " fails: " + result.error().message, result.error().where);
}

}  // namespace

Operations::Operations()
    : readiness_(kPatience),
      requests_(metrics::Registry::process()),
      front_end_(metrics::Registry::process(), readiness_, {[this] { sample(); }}) {}

Operations::~Operations() {
  if (server_) server_->stop(kGrace);
}

void Operations::let_go() {
  readiness_.stop();
  examination_.reset();
  if (!server_) return;
  server_->pause();
  // Whoever is not answered by then is a collector, which comes again.
  [[maybe_unused]] const bool all = server_->settle(kLeave, kGrace);
}

std::vector<http::Server::ListeningSocket> Operations::sockets() const {
  return server_ ? server_->sockets() : std::vector<http::Server::ListeningSocket>();
}

void Operations::stop() {
  readiness_.stop();
  examination_.reset();
  if (server_) server_->stop(std::chrono::milliseconds(0));
}

http::Handler& Operations::handler() { return front_end_; }

Result<void> Operations::serve(Watched watched, std::vector<http::Server::Mount> mounts,
                               net::InheritedSockets* inherited) {
  if (mounts.empty()) return {};
  watched_.emplace(std::move(watched));
  for (const WatchedFolder& folder : watched_->folders) {
    struct stat status = {};
    if (::stat(folder.path.c_str(), &status) != 0) {
      return fail_errno(errno, "look at " + folder.name + ", " + folder.path, "app.operations");
    }
    places_.push_back({status.st_dev, status.st_ino});
  }
  examine();
  http::Server::Options options;
  options.mounts = std::move(mounts);
  options.limits.connections = kConnections;
  options.loops = 1;
  server_.emplace(std::move(options));
  if (auto started = server_->start(inherited); !started) return pass(started);
  examination_.emplace(kBetweenExaminations, [this] { examine(); });
  return {};
}

std::vector<std::string> Operations::addresses() const {
  return server_ ? server_->addresses() : std::vector<std::string>();
}

void Operations::examine() {
  const Result<void> outcome = examine_parts();
  if (!outcome && well_) {
    log::failure(log::Level::error, "the server is not ready", outcome.error());
  } else if (outcome && !well_) {
    log::info("the server is ready again");
  }
  well_ = outcome.has_value();
  readiness_.finish(outcome);
}

Result<void> Operations::examine_parts() {
  std::string part = "the catalogue";
  readiness_.examine(part, now());
  if (auto well = answered(run_until_done(watched_->catalogue.get(kNothing, kNothing)), part);
      !well) {
    return well;
  }
  part = "the folders of the stores";
  readiness_.examine(part, now());
  if (auto well = examine_folders(); !well) return well;
  const std::string& name = watched_->stores.default_name();
  part = "the store " + name;
  readiness_.examine(part, now());
  store::Store* store = watched_->stores.named(name);
  if (store == nullptr) return {};
  return answered(run_until_done(store->stat(kNothing)), part);
}

Result<void> Operations::examine_folders() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const WatchedFolder& folder = watched_->folders[i];
    struct stat status = {};
    if (::stat(folder.path.c_str(), &status) != 0) {
      return fail(Code::unavailable, folder.name + " fails: its folder is gone or can't be read",
                  folder.path + " errno=" + std::to_string(errno));
    }
    if (status.st_dev != places_[i].device || status.st_ino != places_[i].inode) {
      return fail(Code::unavailable,
                  folder.name +
                      " fails: another folder lies where its own was when the server started; "
                      "mount or move the right one back, or restart the server",
                  folder.path);
    }
  }
  return {};
}

void Operations::sample() {
  if (!watched_) return;
  gauge("visor_http_open_connections", "Connections that are open.")
      .set(static_cast<double>(watched_->server.connections()));
  gauge("visor_http_requests_under_way", "Requests under way.")
      .set(static_cast<double>(watched_->server.requests()));
  for (const async::WorkerPool* pool : watched_->pools) {
    gauge("visor_pool_queued", "Pieces of work that wait for a thread.", {{"pool", pool->name()}})
        .set(static_cast<double>(pool->queued()));
  }
  const auto verdict = readiness_.verdict(now());
  gauge("visor_ready", "1 if /readyz says ready, 0 if it does not.").set(verdict ? 1 : 0);
}

}  // namespace visor::app
