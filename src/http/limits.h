// What a server allows its clients.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace visor::http {

/// A minimum speed: fewer than `bytes_per_second` over a whole `window` of waiting ends the
/// connection. Time in which the server does not wait for the client doesn't count.
struct MinimumRate {
  std::uint64_t bytes_per_second = 1024;
  std::chrono::milliseconds window{30'000};
};

/// Limits of a server. Those that say "0: none" can be switched off.
struct Limits {
  // Connections.
  std::size_t connections = 16'384;           ///< at once; beyond it idle ones make room
  std::size_t connections_per_address = 512;  ///< 0: none; loopback is not counted unless told
  bool count_loopback = false;                ///< count connections from loopback per address, too
  std::size_t requests_per_connection = 100'000;
  std::size_t requests_at_once = 10'240;  ///< over all connections; beyond it 503

  // Heads. The input buffer of a connection is as large as `head_bytes`.
  std::size_t head_bytes = 64 * 1024;  ///< request line and fields; beyond it 431
  std::size_t fields = 256;            ///< beyond it 431
  std::size_t uri_bytes = 8 * 1024;    ///< beyond it 414

  // Time.
  std::chrono::milliseconds head_timeout{
      10'000};  ///< for a whole head, from its first byte (a new connection: from the start)
  std::chrono::milliseconds skim_timeout{
      500};  ///< for the rest of a head that is refused for its size, so that the refusal has the
             ///< words of whoever sent it
  std::chrono::milliseconds idle_timeout{60'000};  ///< between two requests
  MinimumRate receive;                             ///< of request bodies
  MinimumRate send;                                ///< of answers

  // Bodies that the handler did not read to their end.
  std::uint64_t drain_bytes = 64 * 1024;  ///< read and dropped, so that the connection can go on
  std::uint64_t linger_bytes =
      64 * 1024 * 1024;  ///< read and dropped before a close, so that the client sees the answer
  std::chrono::milliseconds linger_timeout{2'000};
};

}  // namespace visor::http
