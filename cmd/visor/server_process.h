// The server's process: found, started in the background, watched and stopped.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace visor::command {

/// The visord beside this program, else the first in $PATH. Errors: `not_found` with where it was
/// looked for.
Result<std::string> find_visord();

/// Runs visord with arguments in the foreground, its output being ours, and gives its exit status
/// (128 + the signal that ended it).
Result<int> run_visord(const std::vector<std::string>& arguments);
/// The same, but keeps its standard output as text.
struct Captured {
  int status = 0;
  std::string output;
};
Result<Captured> capture_visord(const std::vector<std::string>& arguments);

/// The process that serves from a data folder: the one that `DATA/visord.pid` names, while
/// `DATA/lock` is locked. Nothing if none does; a pid file that a crash left behind counts for
/// nothing. `unavailable` if it can't be told.
Result<std::optional<int>> serving_process(const std::string& data);

/// How long a process has been running; nothing if it is gone.
std::optional<std::chrono::seconds> running_for(int process);

/// Asks a process to stop (SIGTERM) and waits until it is gone. Errors: `timeout` after `deadline`,
/// `forbidden`.
Result<void> stop_process(int process, std::chrono::milliseconds deadline);

/// What a start in the background needs.
struct StartOptions {
  std::vector<std::string> arguments;
  std::string log_file;  ///< where its standard error goes, appended
  /// Asked now and then once the log has been silent for a while: the address if the server answers
  /// there, else empty.
  std::function<std::string()> probe = {};
  std::chrono::milliseconds deadline = std::chrono::seconds(60);
};

struct Started {
  int process = 0;
  std::string address;  ///< where it says that it listens; empty if it logs elsewhere
  std::string output;   ///< what it wrote to standard output: the first administrator's secret
};

/// Starts visord in a session of its own and waits until its log says where it listens, or `probe`
/// does. Errors: `internal` with the end of its log if it ended, `timeout` (it keeps running then).
Result<Started> start_visord(const StartOptions& options);

/// Where the last start in this log says that the server listens, for the native API if it serves
/// that; empty if it doesn't say.
std::string address_in_log(std::string_view log);

}  // namespace visor::command
