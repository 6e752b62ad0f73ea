// Transports: a byte stream to a peer, whatever carries it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/error.h"
#include "net/event_loop.h"

namespace visor::net {

using ConstBuffer = std::span<const std::byte>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// A connection on an event loop. Belongs to its loop's thread; one operation at a time; must not
/// be destroyed while one is pending (cancel it, then await its end).
///
/// Errors of all operations: `timeout` (the deadline passed before the operation could go on),
/// `cancelled` (cancel() was called, or the peer reset the connection), `internal`. After an error
/// only close and abort make sense, but for a timeout.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Puts what has arrived into `into`, at least one byte; 0 means that the peer will send no more.
  virtual async::Task<Result<std::size_t>> read(std::span<std::byte> into) = 0;
  /// Waits until a read would not block (data, the end, or an error), without any buffer: for idle
  /// connections. False if the deadline passed or cancel() was called.
  virtual async::Task<bool> wait_readable() = 0;
  /// Sends all of the buffers in their order. `more_follows`: the last packet may wait for the next
  /// write.
  virtual async::Task<Result<void>> write(std::span<const ConstBuffer> buffers,
                                          bool more_follows) = 0;
  /// Sends a part of a file; gives the number of bytes sent, which is less than asked only if the
  /// file has ended.
  virtual async::Task<Result<std::uint64_t>> send_file(async::FileRange range) = 0;

  /// From `time` on, an operation that would have to wait fails with `timeout`. Moving it is cheap.
  virtual void set_deadline(SteadyTime time) = 0;
  virtual void clear_deadline() = 0;

  /// Ends the pending operation and every later one with `cancelled`. For others on the loop's
  /// thread.
  virtual void cancel() = 0;
  /// Tells the peer that nothing more comes, once there is room for that in the kernel; reading
  /// goes on.
  virtual async::Task<Result<void>> shutdown_send() = 0;
  /// Closes in good order. What the kernel has taken is still delivered; whoever must be sure that
  /// the peer learns of the end awaits `shutdown_send` before.
  virtual void close() = 0;
  /// Closes so that the peer sees a reset: what it has got must not look complete.
  virtual void abort() = 0;

  /// The peer's address without port, as text.
  virtual const std::string& peer_address() const = 0;
  /// This end's address:port.
  virtual std::string local_address() const = 0;
  /// Whether the stream is encrypted and the server's identity proven.
  virtual bool secure() const = 0;

  /// Bytes of the stream moved so far (without what encryption adds), also by operations that
  /// failed later.
  virtual std::uint64_t bytes_received() const = 0;
  virtual std::uint64_t bytes_sent() const = 0;
};

/// A transport over a connected, non-blocking stream socket, which it then owns. TCP_NODELAY is
/// set. Throws std::exception if the system can't watch one more descriptor; the socket is closed
/// then.
std::unique_ptr<Transport> tcp_transport(EventLoop& loop, int socket, std::string peer_address);

}  // namespace visor::net
