// HTTP messages as handlers see them, whatever the version on the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"

namespace visor::http {

struct Field {
  std::string_view name;   ///< as received; compare without case
  std::string_view value;  ///< without blanks at its ends; raw bytes
};

/// The head of a request. All views point into `storage`, so it may be moved by pointer only.
class RequestHead {
 public:
  RequestHead() = default;
  RequestHead(const RequestHead&) = delete;
  RequestHead& operator=(const RequestHead&) = delete;

  std::string_view method;  ///< in capitals
  std::string_view target;  ///< as received
  std::string_view path;    ///< of the target, as received: neither folded nor decoded
  std::string_view query;   ///< of the target, without the question mark; may be empty
  std::vector<Field> fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = true;
  int minor_version = 1;  ///< of HTTP/1.x: 0 or 1
  std::string storage;

  bool has_body() const { return chunked || (content_length && *content_length > 0); }
  /// The first field of this name, without regard to case.
  std::optional<std::string_view> field(std::string_view name) const;
  /// How many fields have this name.
  std::size_t count(std::string_view name) const;
};

/// A request on its way through a handler. Lives until the response's last byte is sent, so a
/// response's body may refer to it.
struct Request {
  const RequestHead& head;
  /// The body; never null, at its end at once if there is none. Its first read answers `Expect:
  /// 100-continue`: a handler that refuses the request before it reads never invites the body.
  async::ByteSource& body;
  std::string id;    ///< names the request in log lines and in the answer's x-request-id
  std::string peer;  ///< the client's address without port
  std::string
      local;  ///< the listener's address:port as the client reached it (Host if it sent one)
  bool secure = false;  ///< came over TLS
  std::string user;     ///< who asked, for the access log; the handler sets it
};

/// Fields and body of an answer, made once and sent often.
struct PreparedAnswer {
  /// Whole lines, "Name: value\r\n", made by append_field.
  std::string fields;
  std::string text;
};

/// Puts a field's line behind `lines`, as it stands on the wire: a control character in the value
/// becomes a blank, and nothing is put there for a name that is no token.
void append_field(std::string& lines, std::string_view name, std::string_view value);

/// A response. Content-Length, Date, Connection and framing are the session's business: a handler
/// sets status, its own fields and a body.
struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string text;  ///< the body, if `source` is null
  /// Sent before `fields`, and in place of `text`; none of the session's fields among it.
  std::shared_ptr<const PreparedAnswer> prepared;
  std::unique_ptr<async::ByteSource> source;  ///< the body as a stream; chunked if it has no size
  /// For an answer without a body (HEAD, 304): the Content-Length that GET would have.
  std::optional<std::uint64_t> unsent_length;
  /// Close the connection after this answer.
  bool close = false;
  /// What is left to send needs its source alone: no catalogue and nothing else that a process has
  /// to itself. Such an answer is finished by a server that has handed everything else over.
  bool self_contained = false;

  /// The body, if `source` is null.
  std::string_view body_text() const { return prepared ? prepared->text : text; }

  void set(std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
  }
};

/// Answers requests. Called from many event loops at once.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Must not throw and always gives a response; an error is translated before it comes here.
  virtual async::Task<Response> handle(Request& request) = 0;
  /// The answer to a request whose head could not be understood or was over a limit (`status` 400,
  /// 408, 413, 414, 417, 431, 501, 503 or 505), in the front end's own form. `head` is what could
  /// be made out of the head, good enough to choose that form and for nothing else: method and
  /// fields may be missing. The connection is closed afterwards.
  virtual Response refuse(int status, std::string_view reason, const RequestHead& head) = 0;
};

/// The standard reason phrase ("Not Found"); "Unknown" for a status without one.
std::string_view reason_phrase(int status);

}  // namespace visor::http
