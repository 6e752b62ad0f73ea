// What went wrong between client and server.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace visor::client {

/// A failure as a caller of the client sees it. `error.message` is the server's own sentence when
/// there was an answer, and else says what could not be done and what may help.
struct [[nodiscard]] Failure {
  Error error;
  int status = 0;            ///< the answer's HTTP status; 0: there was no answer
  std::string request_id;    ///< as the server's log knows the request; empty if it said none
  bool unreachable = false;  ///< the server was not reached, or the connection broke
  /// How long the server wants not to be asked again; 0: it didn't say.
  std::chrono::seconds retry_after{};
};

template <class T>
using Outcome = std::expected<T, Failure>;

/// A failure that no server took part in (a file, an argument).
std::unexpected<Failure> local_failure(Code code, std::string message);
/// The server was not reached or the connection broke; `retry` says whether trying again can help.
std::unexpected<Failure> connection_failure(Code code, std::string message, Retry retry);
/// A failed system call on a file of ours; `action` ends a sentence that starts with "cannot".
std::unexpected<Failure> file_failure(int errno_value, std::string_view action);

template <class T>
std::unexpected<Failure> pass_on(Outcome<T>& outcome) {
  return std::unexpected<Failure>(std::move(outcome.error()));
}

/// The code for an HTTP status, by the native API's table of statuses.
Code code_of_status(int status);

}  // namespace visor::client
