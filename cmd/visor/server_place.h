// Where a server keeps its data and logs, by options and configuration.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace visor::command {

/// Options of `visor server` and `visor config`; unset ones are empty.
struct ServerOptions {
  std::string data;
  std::string listen;
  std::string config;
  std::string log_file;
  std::string destination;  ///< of a backup
  std::string source;       ///< of a restore
  std::string store;        ///< of a rebuild
  std::string adopt;        ///< of a rebuild: the account
  bool merge = false;       ///< of a rebuild
  bool verify = false;      ///< of a rebuild
  std::string deadline = "60s";
  std::string template_file;
  bool force = false;
};

/// Where a server is and what it reads, as visord sees it.
struct ServerPlace {
  std::string config;  ///< the configuration file; empty: none
  std::string data;    ///< --data, else the configuration's, else ./var
  std::string log;     ///< --log-file, else the configuration's, else visord.log in the data folder
  bool own_log = false;  ///< nobody chose the log
  std::string address;   ///< where it should listen by options and configuration; empty: unknown
};

/// The configuration is --config; without it, and without --data and --listen, the first
/// visor-config.yml in `folders`. Errors: `invalid`.
Result<ServerPlace> server_place(const ServerOptions& options,
                                 const std::vector<std::string>& folders);

}  // namespace visor::command
