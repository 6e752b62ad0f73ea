// What all answers of the identity front end have in common, and what is read of its requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "document/value.h"
#include "http/message.h"

namespace visor::front::identity {

/// A document as an answer, which no cache keeps.
http::Response document_answer(int status, const document::Value& document);
/// An answer without a body.
http::Response empty_answer(int status);

/// An answer that is there already, where one is awaited.
async::Task<Result<http::Response>> at_once(http::Response response);

/// The body of a request, at most 64 KiB: `too_large`.
async::Task<Result<std::string>> read_body(http::Request& request);
/// The value of a field; empty if there is none.
std::string_view field(const http::Request& request, std::string_view name);
/// The value of a parameter of the query; nothing if it has none of this name.
std::optional<std::string> query_value(const http::Request& request, std::string_view name);

/// The host in "images.example.org:5000" or "[::1]:5000", with its brackets.
std::string_view host_of(std::string_view authority);

}  // namespace visor::front::identity
