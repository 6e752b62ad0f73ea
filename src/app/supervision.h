// What the server and the system's service manager tell each other, by systemd's protocols:
// sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3). Without a service manager nothing
// happens.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/inherited_sockets.h"

namespace visor::app {

/// The way to the service manager. Thread-safe.
class Supervision {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. `successor`: the watchdog is this
  /// process's, whatever the variables say of the one before.
  static Supervision from_environment(bool successor);

  bool present() const { return !address_.empty(); }
  /// Sends assignments, one a line ("READY=1\nSTATUS=serving"). What can't be sent is lost: nobody
  /// may depend on it.
  void tell(std::string_view assignments) const;
  /// Gives a descriptor into the service manager's keeping, which passes it to whoever it starts
  /// next. Keeping the same one twice changes nothing.
  void keep(int descriptor, const std::string& name) const;
  /// Takes what has this name out of its keeping.
  void forget(const std::string& name) const;

  /// How often the service manager wants to hear from this process at least.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  void send(std::string_view assignments, int descriptor) const;
  std::string address_;
  std::optional<std::chrono::microseconds> watchdog_;
};

/// "RELOADING=1" with the time, which the protocol asks for.
std::string reloading_assignments();

/// What a socket is called in the service manager's keeping: names have no colons.
std::string kept_name(std::string_view address);

/// The sockets that the environment says this process was started with (LISTEN_FDS, LISTEN_PID,
/// LISTEN_FDNAMES), which are taken out of it. What is no listening TCP socket is closed, with a
/// warning in the log. `successor`: LISTEN_PID is not looked at, since who passes sockets on can't
/// know it.
net::InheritedSockets sockets_from_environment(bool successor);

}  // namespace visor::app
