// Private to this folder: answers on their way out.
#pragma once

#include <string>
#include <string_view>

#include "async/buffer_pool.h"
#include "async/task.h"
#include "base/error.h"
#include "http/limits.h"
#include "http/message.h"
#include "net/transport.h"

namespace visor::http {

/// What the framing of an answer depends on beside the answer itself.
struct Occasion {
  bool head_only = false;  ///< answers HEAD
  int minor_version = 1;   ///< the client's
  bool close = false;      ///< the connection ends with this answer
  std::string_view request_id;
  bool source_failed = false;  ///< set by sending: the answer's source broke, not the connection
};

/// Sends an answer; `occasion.close` becomes true if only the connection's end can show where the
/// answer ends. After an error the connection must be aborted, unless nothing was sent yet: the
/// source failed at its first read then, and another answer may be given.
async::Task<Result<void>> send_response(net::Transport& transport, Response& response,
                                        Occasion& occasion, const Limits& limits,
                                        async::BufferPool& slices);

/// The head of an answer as it goes on the wire. Fields that are the session's business, and those
/// that would not be fields, are left out. `length`: the Content-Length, if there is to be one.
std::string response_head(const Response& response, const Occasion& occasion,
                          std::optional<std::uint64_t> length, bool chunked);

/// The current time as a Date value; made once a second.
std::string_view date_now();

}  // namespace visor::http
