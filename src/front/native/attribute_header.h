// Image metadata as `x-image-meta-<attribute>` headers.
//
// Contract: the native API's chapter "Metadata on the wire". Values are raw UTF-8 and '%' is a
// literal character, but for attributes that `x-visor-encoded` names: those are percent-encoded, in
// requests as in answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "front/native/native_words.h"
#include "http/message.h"
#include "image/attributes.h"

namespace visor::front::native {

inline constexpr std::string_view kAttributePrefix = "x-image-meta-";
/// Names, separated by commas, of attributes whose values are percent-encoded.
inline constexpr std::string_view kEncodedHeader = "x-visor-encoded";

/// What the headers of a request wish.
struct RequestAttributes {
  image::Edits edits;
  std::string location;  ///< URI of data to refer to; empty: none
  bool any = false;      ///< the request has attribute headers at all
};

/// Reads them. `invalid`, with the attribute's name, for a value that is no UTF-8 or not the
/// encoding it claims to be, a repeated attribute and one that only the server sets. What a value
/// may hold is the domain's question.
Result<RequestAttributes> read_attributes(const http::RequestHead& head);

/// Puts attributes into an answer's headers, and `x-visor-encoded` if one needs it.
void write_attributes(const std::vector<NativeAttribute>& attributes, http::Response& response);

/// Whether a header carries this text unchanged: no control character, no blank at either end.
bool header_carries(std::string_view text);

}  // namespace visor::front::native
