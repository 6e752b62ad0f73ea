// Errors as Keystone's clients know them: {"error": {"code", "message", "title"}}.
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace visor::front::identity {

int status_of(Code code);

/// The answer to a failed request. The sentence of an internal error is not shown; only the log
/// knows it.
http::Response error_answer(const Error& error);
/// An answer with a status and a sentence that come from no Error.
http::Response refusal(int status, std::string_view message);

/// Writes to the log what an operator should know of: defects as errors, what the server stands on
/// failing as warnings.
void log_failure(const Error& error, const http::Request& request);

}  // namespace visor::front::identity
