// A server's life as a process: started, told things by signals, upgraded, stopped.
#pragma once

#include <functional>

#include "app/application.h"
#include "app/configuration.h"
#include "app/handover.h"

namespace visor::app {

/// Serves until a signal ends it: SIGTERM and SIGINT stop, SIGHUP opens the log again and reads
/// changed certificates, SIGUSR2 upgrades in place (DATA/upgrade tells what came of it). Blocks
/// these signals in the calling thread, which must be the process's only one. Gives the exit
/// status; `start_failed` is called with why a start failed.
int serve_until_stopped(Configuration configuration, Invocation invocation,
                        const std::function<void(const Application::FirstAdministrator&)>& tell,
                        const std::function<int(const Error&)>& start_failed);

/// Asks the server on the data folder to upgrade, and waits for the outcome. `progress` hears what
/// it does. Errors: `not_found` (no server runs there), and why it failed.
Result<void> request_upgrade(const std::string& data,
                             const std::function<void(const std::string&)>& progress);

}  // namespace visor::app
