// The server as a whole: configuration to objects. The only place that names concrete engines,
// stores and front ends.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/configuration.h"
#include "base/error.h"
#include "base/secret.h"
#include "http/server.h"
#include "service/rebuild.h"

namespace visor::app {

/// Whether the files that a configuration names are what a server can use: certificates and keys.
/// The error names the file and says what is wrong with it.
Result<void> check_files(const Configuration& configuration);

/// A running server.
class Application {
 public:
  /// An administrator that a start made, with the secret that is told this once.
  struct FirstAdministrator {
    std::string access_key;
    Secret secret;
  };

  /// Opens the data folder, the catalogue and the stores, puts right what an earlier run left,
  /// makes the first administrator and serves. `tell` is called as soon as that administrator is
  /// stored: whatever fails afterwards, the secret was told. The error is a sentence for the
  /// operator; then nothing runs.
  /// Listens with what fits among the inherited sockets.
  static Result<std::unique_ptr<Application>> start(
      Configuration configuration, const std::function<void(const FirstAdministrator&)>& tell,
      net::InheritedSockets* inherited = nullptr);

  /// Makes the configured catalogue anew from a store, while no server runs on the data folder; see
  /// service::Rebuild, which says what the callbacks are told and which errors there are.
  static Result<service::RebuildReport> rebuild(
      Configuration configuration, service::RebuildOptions options,
      std::function<bool(const service::RebuildReport&)> on_progress,
      std::function<void(const service::RebuildProblem&)> on_problem);

  /// Stops as `stop` does if that was not done yet.
  ~Application();

  struct Address {
    std::string url;         ///< http://127.0.0.1:4568
    std::string front_ends;  ///< native
  };
  /// Where it serves, ports resolved.
  const std::vector<Address>& addresses() const;

  /// Reads changed certificates and keys; what is wrong with them is in the log, and then the old
  /// ones stay. From any thread.
  void reload();

  /// Accepts nothing more, lets what is under way finish until the configured deadline, writes what
  /// is pending.
  /// `sockets_stay`: somebody keeps the listening sockets open for a server to come, so who is not
  /// answered any more waits, and connections end with an answer rather than with a closed door.
  void stop(bool sockets_stay = false);

  /// What it listens on; valid until `stop`.
  std::vector<http::Server::ListeningSocket> sockets() const;
  /// Whether every event loop answers within `patience`.
  bool alive(std::chrono::milliseconds patience);

  // To hand the data folder over to another server. One thread calls these, in this order.

  /// Why a server with this configuration can't hand over: what it has would be lost.
  Result<void> may_hand_over() const;
  /// Whether uploads are under way that began at least so long ago.
  bool uploads(std::chrono::milliseconds age);
  /// Takes no new requests (they wait in the kernel) and finishes those under way but for
  /// downloads. False if that takes longer than `patience` or `give_up` says so: then `resume`, or
  /// `cut` and try again.
  bool settle(std::chrono::milliseconds patience, const std::function<bool()>& give_up);
  void resume();
  /// Ends the requests that `settle` waits for.
  void cut();
  /// After `settle`: writes what is pending and closes catalogue, log of changes and data folder.
  /// Downloads go on.
  void let_go();
  /// After `let_go`: no more newcomers; the sockets are closed here.
  void stop_listening();
  /// Whether downloads are left.
  bool downloads() const;

 private:
  struct Parts;
  explicit Application(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace visor::app
