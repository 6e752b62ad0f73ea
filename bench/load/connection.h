// One connection of the load, plain or TLS, and the answers that come over it.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What every kind of load is told.
struct Target {
  std::string host = "127.0.0.1";  ///< an IPv4 address
  std::uint16_t port = 0;
  bool tls = false;                ///< certificates are not verified
  std::vector<std::string> heads;  ///< whole request heads, perhaps with short bodies
};

/// Reads requests from a file in which each ends with a zero byte. Ends the process with a message
/// if there is none.
std::vector<std::string> read_heads(const std::string& path);

/// A connected socket that does not block once it is connected. Movable; closes itself.
class Connection {
 public:
  /// Connects, with the TLS handshake. Nothing if that fails; errno says why.
  static std::optional<Connection> open(const Target& target);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  int descriptor() const { return socket_; }

  /// Each returns the number of bytes, 0 when the peer has closed, -1 when it would block, and -2
  /// when the connection is broken.
  ssize_t send(std::string_view bytes);
  ssize_t receive(char* into, std::size_t most);
  /// Takes bytes from the connection without copying them where the kernel can do that.
  ssize_t discard(std::uint64_t most);
  /// Whether bytes were taken from the socket already: they raise no event.
  bool holds_bytes() const { return tls_ != nullptr && SSL_pending(tls_) > 0; }

  /// The congestion control in use, as the kernel calls it.
  std::string congestion() const;

 private:
  Connection(int socket, SSL* tls) : socket_(socket), tls_(tls) {}
  ssize_t outcome(int result) const;

  int socket_ = -1;
  SSL* tls_ = nullptr;
};

/// The head of an answer, as it comes in.
class AnswerHead {
 public:
  enum class State { incomplete, complete, broken };

  /// Takes what was received; `rest` is the number of bytes at the end of it that belong to the
  /// body.
  State take(std::string_view bytes, std::size_t& rest);

  int status() const { return status_; }
  std::uint64_t length() const { return length_; }
  void reset() { *this = AnswerHead(); }

 private:
  State parse(std::size_t end);

  std::string text_;
  int status_ = 0;
  std::uint64_t length_ = 0;
};

/// Sends a request without a body and reads the whole answer, waiting for it. The status, or 0 if
/// the connection broke.
int exchange(Connection& connection, std::string_view head);

}  // namespace bench
