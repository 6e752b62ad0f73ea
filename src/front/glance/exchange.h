// A request on its way through the front end, and who it comes from.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "base/principal.h"
#include "document/value.h"
#include "http/message.h"
#include "http/router.h"

namespace visor::front::glance {

/// Lives as long as the request's answer is being made.
struct Exchange {
  http::Request& request;
  const http::Parameters& parameters;
  std::string address;     ///< what links begin with: "http://127.0.0.1:9292"
  std::string request_id;  ///< what the answer's x-openstack-request-id says
  Principal who = {};
};

/// Answers a request whose caller is known. The exchange outlives the task.
using Verb = std::function<async::Task<Result<http::Response>>(Exchange&)>;

/// The largest document that is read, in bytes.
inline constexpr std::size_t kLargestDocument = std::size_t{2} << 20;

/// The request's body as a JSON document. `invalid` if there is none, or it is not JSON.
async::Task<Result<document::Value>> read_document(Exchange& exchange);

/// An answer with a JSON document.
http::Response document_answer(int status, const document::Value& document);
/// An answer without a body.
http::Response empty_answer(int status);

/// `forbidden` unless the caller is an administrator. `what` completes "only administrators may".
Result<void> check_administrator(const Exchange& exchange, std::string_view what);

/// The media type that a body says it has, without parameters, in lower case; empty if none.
std::string content_type(const http::RequestHead& head);

}  // namespace visor::front::glance
