// Private to this folder: the body of a request as a stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "async/byte_source.h"
#include "http/codec.h"
#include "http/input.h"
#include "http/limits.h"
#include "http/message.h"
#include "net/transport.h"

namespace visor::http {

/// Reads a body off a connection, straight into the reader's memory where it can. Errors: `invalid`
/// (malformed or ended early), `too_slow`, `cancelled` (the connection is gone).
class RequestBody final : public async::ByteSource {
 public:
  RequestBody(net::Transport& transport, Input& input, const RequestHead& head,
              const Limits& limits);

  std::optional<std::uint64_t> size() const override;
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

  /// Whether the next byte on the connection belongs to the next request.
  bool finished() const { return finished_; }
  /// Whether nothing more can be read because something went wrong.
  bool failed() const { return failed_; }
  /// Whether what is left is so little, and sure to come, that it may be read for the connection's
  /// sake. Takes what has arrived of a chunked body already.
  bool worth_draining();
  /// Reads and drops the rest; whether the end was reached.
  async::Task<bool> drain();

  std::uint64_t bytes_read() const { return bytes_read_; }
  /// Whether somebody waits for more of it at this moment.
  bool receiving() const { return receiving_; }

 private:
  async::Task<Result<std::size_t>> read_fixed(std::span<std::byte> into);
  async::Task<Result<std::size_t>> read_chunked(std::span<std::byte> into);
  async::Task<Result<std::size_t>> receive(std::span<std::byte> into);
  async::Task<Result<void>> invite();
  bool must_invite() const { return head_.expects_continue && !invited_; }
  std::size_t take_buffered(std::span<std::byte> into, std::uint64_t at_most);
  std::unexpected<Error> malformed();

  net::Transport& transport_;
  Input& input_;
  const RequestHead& head_;
  const Limits& limits_;
  ChunkDecoder decoder_;
  std::uint64_t left_ = 0;  // of a body of fixed length
  std::uint64_t bytes_read_ = 0;
  bool finished_ = false;
  bool failed_ = false;
  bool invited_ = false;
  bool receiving_ = false;
  // The current window of the minimum rate: only time spent in waiting for the client counts.
  std::chrono::steady_clock::duration waited_{};
  std::uint64_t window_bytes_ = 0;
};

}  // namespace visor::http
