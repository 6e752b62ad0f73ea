// JSON (RFC 8259), read and written.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "document/limits.h"
#include "document/value.h"

namespace visor::document {

/// Reads one JSON text. Strict: no comments, no trailing commas, nothing after the value,
/// well-formed UTF-8, no name twice in an object, whole numbers within 64 bits with sign, other
/// numbers finite. Texts may hold any character, U+0000 included. Errors: `invalid` with the place
/// as line and column, `too_large` over `limits.bytes` or `limits.values`.
Result<Value> parse_json(std::string_view text, Limits limits = {});

/// One line, no blanks. Bytes of a text that are no UTF-8 become U+FFFD, numbers that are not
/// finite become null, so that what comes out is always JSON.
std::string write_json(const Value& value);
/// Indented by two blanks, with a line feed at the end.
std::string write_json_pretty(const Value& value);

/// For writers that stream: the compact form of `value`, or of a text with its quotes, put after
/// `out`.
void append_json(std::string& out, const Value& value);
void append_json_string(std::string& out, std::string_view text);

}  // namespace visor::document
