// What operators see of a running server: metrics and readiness, on addresses of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/periodic_task.h"
#include "async/worker_pool.h"
#include "base/error.h"
#include "base/metrics.h"
#include "catalogue/client.h"
#include "front/operations/operations_front_end.h"
#include "front/operations/readiness.h"
#include "front/operations/request_metrics.h"
#include "http/server.h"
#include "store/store_set.h"

namespace visor::app {

/// A folder and what messages call it.
struct WatchedFolder {
  std::string name;  ///< "the store file"
  std::string path;
};

/// Counts requests from the start. Once it watches, it examines the server once a second and
/// answers for it on an event loop of its own, so that it still answers when the server is full.
class Operations {
 public:
  /// What is watched; all of it outlives this object.
  struct Watched {
    catalogue::Client& catalogue;
    const store::StoreSet& stores;
    const http::Server& server;
    std::vector<const async::WorkerPool*> pools;
    /// What has to stay in place: a folder that was moved away, or whose disk is gone, answers like
    /// an empty one.
    std::vector<WatchedFolder> folders = {};
  };

  Operations();
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;
  ~Operations();

  /// Counts a request of the server. Thread-safe.
  void count(const http::RequestRecord& record) { requests_.count(record); }

  /// Where the operations interface is served; to be asked for before `serve`.
  http::Handler& handler();

  /// Watches, and serves the mounts. Without mounts nothing happens. The error names the address
  /// and what to do.
  Result<void> serve(Watched watched, std::vector<http::Server::Mount> mounts,
                     net::InheritedSockets* inherited = nullptr);
  /// Where it serves, in the order of the mounts.
  std::vector<std::string> addresses() const;

  /// The server is not ready from now on. It is still watched, to its end.
  void server_stops() { readiness_.stop(); }
  /// Looks at nothing that is watched any more and answers nobody; the sockets stay, and
  /// newcomers wait on them.
  void let_go();
  /// What it listens on.
  std::vector<http::Server::ListeningSocket> sockets() const;
  /// Ends at once what `let_go` left.
  void stop();

 private:
  void examine();
  Result<void> examine_parts();
  Result<void> examine_folders();
  void sample();

  front::operations::Readiness readiness_;
  front::operations::RequestMetrics requests_;
  front::operations::OperationsFrontEnd front_end_;
  struct Place {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };
  std::optional<Watched> watched_;
  std::vector<Place> places_;  ///< where the folders were at the start
  bool well_ = true;           ///< what the log was told last; of the examining thread alone
  std::optional<PeriodicTask> examination_;
  std::optional<http::Server> server_;
};

}  // namespace visor::app
