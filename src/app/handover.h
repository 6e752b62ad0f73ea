// Handing over to a new process: the one before starts the one after, with its listening sockets,
// and both talk over a socket pair until the new one serves.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/server.h"

namespace visor::app {

/// A program and what it was started with.
struct Invocation {
  std::string program;  ///< a path; what lies there may have been exchanged
  std::vector<std::string> arguments;

  /// This process's; to be asked for at the start, while the program still lies where it was.
  static Invocation of_this_process(int count, char** arguments);
};

/// Whether the program as it lies there now accepts its configuration (`--check-config`). The error
/// has what it said. Blocks until it ends, a minute at most.
Result<void> check_program(const Invocation& invocation);

/// The new process, as the one before sees it.
class Successor {
 public:
  /// Starts the program with these sockets (LISTEN_FDS). `managed`: a service manager will be told
  /// of it, so it becomes a child of this process's parent.
  static Result<Successor> start(const Invocation& invocation,
                                 const std::vector<http::Server::ListeningSocket>& sockets,
                                 bool managed);
  Successor(Successor&& other) noexcept;
  Successor& operator=(Successor&&) = delete;
  /// Ends the process, and waits for its end, unless it was let go.
  ~Successor();

  /// Waits until it serves. The error says why it does not: what it told, how it ended, that it
  /// took longer than `patience`, or that `give_up` says so.
  Result<void> wait_ready(std::chrono::milliseconds patience, const std::function<bool()>& give_up);
  /// It is the server from now on, and is told so.
  void let_go();

  pid_t process() const { return process_; }

 private:
  Successor(pid_t process, int channel) : process_(process), channel_(channel) {}
  pid_t process_ = -1;
  int channel_ = -1;
};

/// The process before, as the new one sees it.
class Predecessor {
 public:
  /// Nothing if this process was started by anybody else.
  static std::optional<Predecessor> from_environment();
  Predecessor(Predecessor&& other) noexcept;
  Predecessor& operator=(Predecessor&&) = delete;
  ~Predecessor();

  /// Says that this process serves, and waits until it is the server: until the one before says so,
  /// or is gone.
  void ready();
  /// Says why it does not.
  void failed(const Error& error);

 private:
  explicit Predecessor(int channel) : channel_(channel) {}
  int channel_ = -1;
};

}  // namespace visor::app
