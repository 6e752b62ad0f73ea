// The kinds of load. Each prints one JSON object on standard output and returns the process's exit
// status.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connection.h"

namespace bench {

struct Transfer {
  Target target;
  std::size_t connections = 1;
  std::size_t requests = 1;  ///< one after the other, on each connection
  std::uint64_t body = 0;    ///< bytes that follow each head, from memory
  double timeout = 300;      ///< seconds until what has not ended counts as an error
};
/// Connects all, then sends all requests at one moment and discards what is answered: bytes, wall
/// time, and the times until the first byte of each answer.
int run_transfer(const Transfer& transfer);

struct Rate {
  Target target;
  std::size_t connections = 32;
  double per_second = 1000;
  double seconds = 3;
};
/// Sends requests at a steady rate, whether or not earlier ones are answered; a time runs from when
/// the request was due, so that a server that stalls can't hide it.
int run_rate(const Rate& rate);

/// Opens connections, makes one request on each, prints {"ready": …}, and holds them until standard
/// input ends.
int run_idle(const Target& target, std::size_t connections);

/// Runs a command and measures how long it takes until the first request is answered with 200; then
/// ends the command with SIGTERM and waits for it.
int run_start(const Target& target, const std::vector<std::string>& command);

}  // namespace bench
