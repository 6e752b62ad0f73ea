// Upgrade in place: the server hands its sockets and its data folder over to the program that lies
// now where its own lay, without failing a request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/application.h"
#include "app/configuration.h"
#include "app/handover.h"
#include "base/error.h"

namespace visor::app {

/// What an upgrade came to, as `DATA/upgrade` tells whoever asked for it.
struct UpgradeReport {
  enum class State { running, done, failed };
  int ticket = 0;  ///< what it was asked with
  State state = State::running;
  std::string text;  ///< what it does, or why it failed

  /// The file of it in a data folder; nothing if there is none that can be understood.
  static std::optional<UpgradeReport> read(const std::string& data);
  /// Replaces the file. A failure is in the log only.
  void write(const std::string& data) const;
};

/// One upgrade. It runs on a thread of its own and owns the application meanwhile.
class Upgrade {
 public:
  struct Outcome {
    /// Set: the new process is the server, and the application has nothing but downloads left.
    std::optional<pid_t> successor;
    /// The server that serves on in this process, if the application had to let go already.
    std::unique_ptr<Application> replacement;
    /// Why there is no successor; then the server serves as before, unless `lost`.
    Result<void> result;
    bool lost = false;  ///< nobody serves: what was let go could not be taken back
  };
  using Progress = std::function<void(const std::string&)>;

  /// `managed`: a service manager is told of the new process.
  Upgrade(Configuration configuration, Invocation invocation, bool managed, Progress progress)
      : configuration_(std::move(configuration)),
        invocation_(std::move(invocation)),
        managed_(managed),
        progress_(std::move(progress)) {}

  /// Blocks until it is decided. `give_up` is asked often and ends it as early as that is possible
  /// without harm. `announce` is called between the new process's readiness and its being told.
  Outcome run(Application& application, const std::function<bool()>& give_up,
              const std::function<void(pid_t)>& announce);

 private:
  Result<void> quiet_down(Application& application, const std::function<bool()>& give_up);
  Outcome take_back(Application& application, Error why);

  const Configuration configuration_;
  const Invocation invocation_;
  const bool managed_;
  const Progress progress_;
};

}  // namespace visor::app
