// Errors in the native API's dialects: one table from the domain's codes to statuses.
//
// Contract: the native API's chapters "Metadata on the wire" and "Statuses".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "front/native/documents.h"
#include "http/message.h"

namespace visor::front::native {

/// Which statuses a caller understands. The clients of 2012 know the errors 400, 403, 404, 409, 500
/// and 503 and take the body of any other for data, so they never get another.
enum class Dialect { today, classic };

/// `classic` for a request signed with the VISOR scheme. One that is not signed at all is judged by
/// its User-Agent: Ruby's HTTP libraries and names that hold "visor" are classic, but for
/// "visor/<version>", the project's own client. Requests signed otherwise are never classic.
Dialect dialect_of(const http::RequestHead& head);

int status_of(Code code, Dialect dialect);

/// What an error answer depends on besides the error.
struct ErrorForm {
  Dialect dialect = Dialect::today;
  DocumentKind kind = DocumentKind::json;
  bool head = false;  ///< the answer to a HEAD: without a body, the message in x-error-message
  std::string request_id = {};
};

/// The answer to a failed request. The sentence of an internal error is not shown; only the log
/// knows it.
http::Response error_answer(const Error& error, const ErrorForm& form);
/// An answer with a status and a sentence that come from no Error.
http::Response refusal(int status, std::string_view message, const ErrorForm& form);

/// What the contract says to a path, and the classic dialect to a method, that there is not.
inline constexpr std::string_view kInvalidOperation = "Invalid operation or path.";

/// The answer to a path without the method asked for: 405 with Allow, or 404 in the classic
/// dialect.
http::Response method_refusal(const std::vector<std::string>& allowed, const ErrorForm& form);

/// Writes to the log what an operator should know of: defects as errors, what the server stands on
/// failing as warnings.
void log_failure(const Error& error, const http::Request& request);

}  // namespace visor::front::native
