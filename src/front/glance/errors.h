// Errors in the Image API's dialect: one table from the domain's codes to statuses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "front/glance/exchange.h"
#include "http/message.h"

namespace visor::front::glance {

int status_of(Code code);

/// An answer that refuses: a JSON object {message, code, title} for who accepts JSON, else a page
/// that shows the sentence.
http::Response refusal(const http::RequestHead& head, int status, std::string_view message);
inline http::Response refusal(const Exchange& exchange, int status, std::string_view message) {
  return refusal(exchange.request.head, status, message);
}

/// The answer to a failed request. The sentence of an internal error is not shown; only the log
/// knows it, under the request's id.
http::Response error_answer(const Error& error, const Exchange& exchange);

/// 405 with the methods that the path takes.
http::Response method_refusal(const http::RequestHead& head,
                              const std::vector<std::string>& allowed);

/// 415, naming the media type that the path takes.
http::Response wrong_media_type(const Exchange& exchange, std::string_view expected);

/// Writes to the log what an operator should know of: defects as errors, what the server stands on
/// failing as warnings.
void log_failure(const Error& error, const http::Request& request);

}  // namespace visor::front::glance
