// Requests in one person's name: signed, and with the server's errors understood.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "client/progress.h"
#include "client/transport.h"

namespace visor::client {

/// Who asks.
struct Credentials {
  std::string access_key;
  Secret secret;
};

/// Signs requests with AWS Signature Version 4 (service "visor") and sends them. Without
/// credentials requests go unsigned, which the server may allow for public images. For one thread
/// at a time.
class Session {
 public:
  Session(Connection connection, std::optional<Credentials> credentials,
          const Clock& clock = Clock::system());

  /// Sends a request with no body or with `document` as its JSON body. Any answer is a success; see
  /// `accept`.
  Outcome<Answer> send(Request request, BodySink* sink = nullptr, std::string document = {});

  /// Sends a request with image data as its body (application/octet-stream), after leave was given
  /// (Expect: 100-continue). A body of known size is signed chunk by chunk while it is sent; one of
  /// unknown size is sent unsigned over TLS and kept in a temporary file first over plain HTTP,
  /// since an unsigned body could be exchanged on the way. If the answer names another SHA-256 or
  /// size than what was read, that is a failure (`corrupt`).
  Outcome<Answer> upload(Request request, BodySource& body, Progress& progress);

  const Address& address() const { return transport_.connection().address; }
  bool signs() const { return credentials_.has_value(); }

 private:
  Outcome<Answer> upload_sized(Request request, BodySource& body, Progress& progress);
  Outcome<void> sign(Request& request, std::string_view payload);
  Outcome<Answer> exchange(Request& request, BodySink* sink);

  Transport transport_;
  std::optional<Credentials> credentials_;
  const Clock& clock_;
};

/// The answer if its status says that the request was done (2xx), else the failure that its
/// document or its headers tell.
Outcome<Answer> accept(Outcome<Answer> answer);
/// The failure that an answer of status 300 or more tells.
Failure failure_of(const Answer& answer);

}  // namespace visor::client
