// Requests under way, for administrators: what they are, how far they are, and an end to one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"

namespace visor::http {

/// What a request waits for, or does.
enum class Stage : std::uint8_t {
  head,     ///< its head arrives
  body,     ///< its handler waits for more of its body
  working,  ///< its handler works
  sending,  ///< its answer is on its way
  ending,   ///< it is answered; the connection closes in good order
};
/// "head", "body", "working", "sending", "ending".
std::string_view to_string(Stage stage);

/// A request as it was at one moment.
struct LiveRequest {
  std::string id;      ///< its x-request-id
  std::string method;  ///< empty as long as the head is not there
  std::string target;  ///< path and query, without anything that would let others sign or ask
  std::string user;    ///< empty: not known (yet), or nobody
  std::string peer;    ///< the client's address
  Stage stage = Stage::head;
  /// Nothing but its client is needed to finish it: neither catalogue nor locks.
  bool self_contained = false;
  bool has_body = false;  ///< the request's: an upload, or a document
  std::chrono::steady_clock::duration age{};
  std::uint64_t bytes_in = 0;   ///< of the body, so far
  std::uint64_t bytes_out = 0;  ///< on the wire, so far
};

/// All requests of a server. Thread-safe.
class LiveRequests {
 public:
  virtual ~LiveRequests() = default;
  /// In no particular order. Called on an executor's thread.
  virtual async::Task<std::vector<LiveRequest>> list() = 0;
  /// Ends the request by ending its connection; false if there is none of this id. What its handler
  /// waits for elsewhere is still waited for. Called on an executor's thread.
  virtual async::Task<bool> cancel(std::string id) = 0;
};

/// A target that may be shown: the values of query parameters that carry a signature, a token or a
/// key are replaced by "-".
std::string without_secrets(std::string_view target);

}  // namespace visor::http
