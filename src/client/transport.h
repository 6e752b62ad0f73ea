// One HTTP request and its answer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/address.h"
#include "client/failure.h"
#include "client/metadata.h"

namespace visor::client {

/// A request's body, read once from start to end by the thread that sends it.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The number of bytes, if it is known before they are read.
  virtual std::optional<std::uint64_t> size() const = 0;
  /// Fills `into` with up to its size in bytes and gives their number; 0 is the end.
  virtual Outcome<std::size_t> read(std::span<std::byte> into) = 0;
};

struct Request {
  std::string method = "GET";
  std::string path;   ///< percent-encoded, begins with '/'
  std::string query;  ///< percent-encoded, without the '?'
  std::vector<Header> headers;
  BodySource* body = nullptr;  ///< null: no body. Must outlive the exchange
};

struct AnswerHead {
  int status = 0;
  Headers headers;
};

struct Answer {
  AnswerHead head;
  std::string body;  ///< empty if a sink took it
};

/// Takes an answer's body as it comes.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Called once the head is there; true: the body goes to `write`, false: it is kept as text (an
  /// error's document).
  virtual Outcome<bool> begin(const AnswerHead& head) = 0;
  virtual Outcome<void> write(std::span<const std::byte> bytes) = 0;
};

/// How to talk to a server.
struct Connection {
  Address address;
  bool verify_tls = true;
  std::string ca_file;  ///< PEM file of the authorities to trust; empty: the system's
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  /// A transfer in which not one byte moves for so long has failed.
  std::chrono::seconds stall_timeout = std::chrono::minutes(2);
  /// How long a body waits for leave to be sent (Expect: 100-continue) before it is sent without.
  std::chrono::milliseconds expect_timeout = std::chrono::seconds(5);
  /// Once it is true, exchanges end within about a second as `cancelled`. Null: they go on. Must
  /// outlive the transport; any thread may set it.
  const std::atomic<bool>* stop = nullptr;
};

/// Sends requests, one at a time, and keeps the connection open between them. Redirects are not
/// followed: a signature names the host it is for. For one thread at a time.
class Transport {
 public:
  explicit Transport(Connection connection);
  ~Transport();
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) noexcept;

  /// Every answer is a success here, whatever its status; a failure is a broken connection or comes
  /// from source or sink.
  Outcome<Answer> exchange(const Request& request, BodySink* sink = nullptr);

  const Connection& connection() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visor::client
