// Errors as values: the one error type that crosses every module border.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace visor {

/// What went wrong, in a closed set that every front end can translate into its own dialect.
enum class Code {
  invalid,          ///< the request itself is wrong; repeating it unchanged can't help
  unauthenticated,  ///< nobody, or not who they say they are
  forbidden,        ///< known, but not allowed
  not_found,        ///< does not exist, or its existence is not the caller's business
  conflict,         ///< the state of the thing does not allow it now
  precondition,     ///< an expected revision or entity tag did not match
  range,            ///< the asked byte range lies outside
  too_large,        ///< over a size limit
  quota,            ///< over an account's quota
  rate_limited,     ///< too many requests or too many at once
  unsupported,      ///< a known feature that this object or store does not have
  unavailable,      ///< something the service stands on is down or full
  no_space,         ///< the store has no room left
  timeout,          ///< a deadline passed
  too_slow,         ///< the caller sends what it has to say more slowly than is waited for
  cancelled,        ///< the caller went away or the server is stopping
  corrupt,          ///< stored or received bytes do not match their digest
  internal,         ///< a defect or a condition nobody foresaw
};

/// Whether trying again can help: never; later, unchanged; or not any more (a retry budget is used
/// up).
enum class Retry { never, later, exhausted };

/// Name of a code in lower case, for logs and documents ("not_found"). Static storage.
std::string_view to_string(Code code);

/// `message` is a sentence that is safe to show to any caller: no secret, no host path, nobody
/// else's names. `where` is the trail for the log alone ("file.commit key=ab/12 errno=28").
struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::string message;
  std::string where;
  Retry retry = Retry::never;

  /// The same error with `step` put before its trail, so that a log line reads from outside in.
  Error at(std::string_view step) &&;
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for returning an error: `return fail(Code::not_found, "no image has this id");`
/// `retry` follows from the code: rate_limited, unavailable, timeout and too_slow say `later`.
std::unexpected<Error> fail(Code code, std::string message, std::string where = {});

/// An error for a failed system call, from `errno_value`: ENOSPC and EDQUOT become no_space, EMFILE
/// and ENFILE unavailable, ENOENT not_found, others internal. `action` ends a sentence that starts
/// with "cannot" ("write the image data"); `where` goes to the log with the errno's name.
std::unexpected<Error> fail_errno(int errno_value, std::string_view action, std::string where);

/// Passes an error on: `return pass(result);`
template <class T>
std::unexpected<Error> pass(Result<T>& result) {
  return std::unexpected<Error>(std::move(result.error()));
}
template <class T>
std::unexpected<Error> pass(Result<T>&& result) {
  return std::unexpected<Error>(std::move(result.error()));
}

}  // namespace visor
