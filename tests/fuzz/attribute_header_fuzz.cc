// Attributes in headers from a stranger: whatever is accepted can be applied or is refused with a
// sentence, and what is answered is read back as the same attributes.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "front/native/attribute_header.h"
#include "front/native/documents.h"
#include "front/native/native_words.h"
#include "head_of_lines.h"
#include "image/attributes.h"

namespace {

using namespace visor;
using namespace visor::front::native;
using fuzz::require;

constexpr std::string_view kAddress = "http://images.example.org:4568";

/// The attributes of an answer, as a reader of it would have them.
std::map<std::string, std::string> read_answer(const http::Response& response) {
  std::map<std::string, std::string> raw;
  std::string encoded;
  for (const auto& [name, value] : response.fields) {
    require(http::is_token(name) && http::is_field_value(value));
    if (name == kEncodedHeader) {
      require(encoded.empty());
      encoded = ", " + value + ",";
    } else {
      require(name.starts_with(kAttributePrefix));
      require(raw.emplace(name.substr(kAttributePrefix.size()), value).second);
    }
  }
  std::map<std::string, std::string> attributes;
  for (const auto& [name, value] : raw) {
    const bool is_encoded = encoded.contains(" " + name + ",");
    const auto decoded = is_encoded ? percent_decode(value) : std::optional(value);
    require(decoded.has_value());
    attributes[name] = *decoded;
  }
  return attributes;
}

void check_answer(const image::Image& image) {
  const auto attributes = native_attributes(image, Shown::single, kAddress);
  http::Response response;
  write_attributes(attributes, response);
  const auto read = read_answer(response);
  require(read.size() == attributes.size());
  for (const NativeAttribute& attribute : attributes) {
    require(read.at(attribute.name) == attribute.value);
  }
  for (const DocumentKind kind : {DocumentKind::json, DocumentKind::xml}) {
    require(!write_document(kind, "image", object_of(attributes)).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::RequestHead head;
  fuzz::head_of_lines({reinterpret_cast<const char*>(data), size}, head);
  (void)preferred_kind(head);
  const auto read = read_attributes(head);
  if (!read) {
    require(read.error().code == Code::invalid && !read.error().message.empty());
    return 0;
  }
  require(valid_utf8(read->location));
  for (const image::Edit& edit : read->edits) {
    require(edit.name == normal_name(edit.name) && valid_utf8(edit.value));
    require(edit.extra || image::is_settable(edit.name));
  }
  image::Image image;
  image.id = "11111111-2222-4333-8444-555555555555";
  image.name = "before";
  if (const auto applied = image::apply_edits(read->edits, image); !applied) {
    require(applied.error().code == Code::invalid && !applied.error().message.empty());
    require(image.name == "before" && image.extra.empty());
    return 0;
  }
  require(image.extra.size() <= image::kMaxExtraAttributes);
  check_answer(image);
  return 0;
}
