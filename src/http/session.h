// Sessions: one connection's requests and answers, one after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "async/buffer_pool.h"
#include "async/task.h"
#include "http/limits.h"
#include "http/message.h"
#include "net/transport.h"

namespace visor::http {

/// One line of the access log. The views live during the call alone.
struct RequestRecord {
  std::string_view method;  ///< empty if the head could not be understood
  std::string_view path;
  int status = 0;
  std::uint64_t bytes_in = 0;   ///< of the body
  std::uint64_t bytes_out = 0;  ///< on the wire, head included
  std::chrono::steady_clock::duration duration{};
  std::string_view peer;
  std::string_view id;
  std::string_view user;
  bool complete = false;  ///< the whole answer was handed to the kernel
};

/// Called at the end of every request, on the connection's thread; must be quick.
using OnDone = std::function<void(const RequestRecord&)>;

/// What the sessions of one event loop share.
struct SessionContext {
  const Limits& limits;
  const OnDone& on_done;
  std::atomic<std::size_t>& requests;  ///< under way on all loops
  async::BufferPool& inputs;           ///< of at least limits.head_bytes + 4096
  async::BufferPool& slices;
  // The loop's thread alone:
  bool stopping = false;  ///< sessions end after the request that is under way
  bool closing = false;   ///< every answer is the last one of its connection
};

struct UnderWay;

/// Hears from a session on its loop's thread.
class SessionObserver {
 public:
  /// The request that the session is busy with; null in between. The session writes it.
  const UnderWay* under_way = nullptr;

  virtual ~SessionObserver() = default;
  /// Whether the session waits for a request from now on.
  virtual void idle(bool is_idle) = 0;
  /// The connection is closed and the session over; it touches nothing that it was given any more.
  virtual void ended() = 0;
};

/// Serves a connection to its end, and closes it. Ends soon after the transport is cancelled, but
/// for what the handler waits for. To be detached; its frame is small while it waits for a request.
async::Task<void> serve(net::Transport& transport, Handler& handler, SessionContext& context,
                        SessionObserver& observer);

}  // namespace visor::http
