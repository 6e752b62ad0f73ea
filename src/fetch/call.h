// A request of any method, with or without a body.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/byte_source.h"

namespace visor::fetch {

/// A field of a request. `name` is a token (RFC 9110, 5.6.2), `value` has no control characters.
struct Field {
  std::string name;
  std::string value;
};

/// What `Fetcher::call` sends.
struct Call {
  std::string method = "GET";  ///< GET, HEAD, PUT, POST or DELETE
  std::string url;
  /// Beside Host, User-Agent, Accept and Accept-Encoding, which are sent anyway: Host as the URL
  /// says it, with the port unless it is the scheme's own. Host, Content-Length,
  /// Transfer-Encoding, Connection and Expect are not taken here (`invalid`).
  std::vector<Field> fields = {};

  /// What is sent as the body; null: nothing (PUT and POST say "Content-Length: 0" then). Not
  /// owned; outlives the call and is read during the call alone, on the caller's executor, not
  /// before the server is connected (and has said 100, if it was asked), with at most 256 KiB read
  /// ahead. Not for GET and HEAD.
  async::ByteSource* body = nullptr;
  /// How long the body is: so many bytes are read, no more, and a source that ends before is an
  /// error. Nothing: the body is sent chunked, to its end.
  std::optional<std::uint64_t> body_size = {};
  /// Asks the server (100-continue) before the body is sent, for a second at most.
  bool expect_continue = false;

  /// From the body's last byte (or the connection, without a body) to the end of the answer's head;
  /// nothing: as the fetcher's `first_byte_timeout`.
  std::optional<std::chrono::milliseconds> answer_timeout = {};
};

}  // namespace visor::fetch
