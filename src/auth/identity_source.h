// Who asks, where a request carries a token or a password instead of a signature.
#pragma once

#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "base/principal.h"
#include "base/secret.h"

namespace visor::auth {

/// What a request shows of its caller: values of its header fields, empty where there is none, and
/// the address that it came from. Owns nothing.
struct Presented {
  std::string_view token = {};          ///< X-Auth-Token
  std::string_view service_token = {};  ///< X-Service-Token
  std::string_view authorization = {};  ///< Authorization
  std::string_view address = {};        ///< the client's, to slow down guessing from there
};

/// Which service is meant, in the words of a cloud's catalogue.
struct ServiceQuery {
  std::string type;  ///< "image"
  std::string region;
  std::string interface = "public";
  std::string here = {};  ///< as the caller reached this server's own service of the type
};

/// Finds the caller of a request. Thread-safe.
class IdentitySource {
 public:
  virtual ~IdentitySource() = default;

  /// `presented` points to texts that stay until the task is done. The principal's `origin` is the
  /// front end's to fill. Errors: `unauthenticated` if there is nothing that proves who asks, or
  /// it is not good (any more), with one sentence for all of these; `forbidden` if it is known who
  /// asks, but not for which account; `rate_limited` after too many wrong guesses; `unavailable` if
  /// who knows can't be asked.
  virtual async::Task<Result<Principal>> identify(Presented presented) = 0;

  /// Whether callers have a catalogue of services.
  virtual bool has_catalogue() const { return false; }
  /// The URL at which a caller's catalogue has a service, without a slash at its end. `token`: one
  /// that `identify` took. `not_found` if the catalogue has no such service, `unsupported` without
  /// a catalogue, `unauthenticated`, `unavailable`.
  virtual async::Task<Result<std::string>> find_service(Secret token, ServiceQuery query);

  /// The value of WWW-Authenticate in an answer of 401 (RFC 9110, 11.6.1); empty: none.
  virtual std::string challenge() const = 0;
};

/// Shorthand for what all sources say of a caller who is not known.
std::unexpected<Error> refuse_caller(std::string where);

}  // namespace visor::auth
