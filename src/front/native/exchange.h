// A request on its way through the front end, and who it comes from.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/byte_source.h"
#include "async/task.h"
#include "audit/log.h"
#include "base/error.h"
#include "base/principal.h"
#include "front/native/errors.h"
#include "http/message.h"
#include "http/router.h"
#include "sign/payload.h"

namespace visor::front::native {

/// Lives as long as the request's answer is being made.
struct Exchange {
  http::Request& request;
  const http::Parameters& parameters;
  std::string address;  ///< what the attribute uri begins with: "http://127.0.0.1:4568"
  ErrorForm form;
  Principal who = {};
  sign::PayloadCheck payload = {};  ///< what the signature leaves to check in the body
  bool has_body = false;  ///< more than the head's word: chunks that hold nothing are no body
  std::string first_bytes = {};  ///< of the body, if somebody had to look
  std::optional<std::string> read_ahead =
      {};                       ///< the body, if the signature's check had to read it
  audit::Log* audit = nullptr;  ///< null: nobody is told of refusals

  DocumentKind kind() const { return form.kind; }
};

/// Answers a request whose caller is known. The exchange outlives the task.
using Verb = std::function<async::Task<Result<http::Response>>(Exchange&)>;

/// Tells the audit log of a request that did not show who it comes from (`claimed`: who it says it
/// comes from, maybe nobody); of other errors than that, nothing.
void tell_unauthenticated(const Exchange& exchange, std::string claimed, const Error& error);
/// Tells the audit log of something that is refused before a service hears of it; of an error other
/// than `forbidden`, nothing.
void tell_refused(const Exchange& exchange, std::string verb, std::string subject,
                  const Error& error);

/// Finds out whether the body has a first byte.
async::Task<Result<void>> look_for_body(Exchange& exchange);

/// The body from its first byte on, unchecked; the exchange's request outlives it.
std::unique_ptr<async::ByteSource> open_body(Exchange& exchange);

/// The body behind everything that is left to check of it; the exchange's request outlives it.
/// Taken at most once.
std::unique_ptr<async::ByteSource> take_body(Exchange& exchange);

}  // namespace visor::front::native
