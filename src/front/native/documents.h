// Documents: what lists, changes and errors are answered with, as JSON or XML.
//
// Contract: the native API's chapter "Metadata on the wire". Which kind is sent: RFC 9110, 12.5.1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"
#include "front/native/native_words.h"
#include "http/message.h"

namespace visor::front::native {

enum class DocumentKind { json, xml };

/// What the request's Accept prefers: XML if application/xml or text/xml weighs more than
/// application/json, or as much but was named more exactly; else JSON.
DocumentKind preferred_kind(const http::RequestHead& head);

/// The media type of a kind.
std::string_view media_type(DocumentKind kind);

/// Attributes as an object, in their order.
document::Value object_of(const std::vector<NativeAttribute>& attributes);

/// `{"name": value}`, or the element `<name>`.
std::string write_document(DocumentKind kind, std::string_view name, const document::Value& value);

/// An answer with such a document as its body.
http::Response document_answer(DocumentKind kind, std::string_view name,
                               const document::Value& value);

}  // namespace visor::front::native
