#include "front/native/image_writing.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "front/native/attribute_header.h"
#include "front/native/image_reading.h"

namespace visor::front::native {
namespace {

/// What a POST or PUT brings.
struct Submission {
  RequestAttributes attributes;
  std::unique_ptr<async::ByteSource> body;  ///< null: no data

  service::Data data() const {
    if (body) return service::Data::from(*body);
    return service::Data::at(attributes.location);
  }
};

Result<Submission> read_submission(Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  Submission submission;
  Result<RequestAttributes> attributes = read_attributes(head);
  if (!attributes) return pass(attributes);
  submission.attributes = std::move(*attributes);
  if (!exchange.has_body) return submission;
  if (!submission.attributes.location.empty()) {
    return fail(Code::invalid,
                "a request brings either data or a location where data lies, not both");
  }
  if (Result<void> declared = check_body_declared(head); !declared) return pass(declared);
  submission.body = take_body(exchange);
  return submission;
}

http::Response image_document(const image::Image& image, const Exchange& exchange) {
  return document_answer(exchange.kind(), "image",
                         object_of(native_attributes(image, Shown::detail, exchange.address)));
}

/// The codings of a request's body that change its bytes; aws-chunked is part of its signature.
bool is_coded(std::string_view codings) {
  while (!codings.empty()) {
    const std::size_t comma = std::min(codings.find(','), codings.size());
    const std::string coding = to_lower(trim(codings.substr(0, comma)));
    if (!coding.empty() && coding != "identity" && coding != "aws-chunked") return true;
    codings.remove_prefix(std::min(comma + 1, codings.size()));
  }
  return false;
}

}  // namespace

bool is_image_data(const http::RequestHead& head) {
  const std::string_view declared = head.field("content-type").value_or("");
  const std::string_view type = trim(declared.substr(0, declared.find(';')));
  return equal_ignoring_case(type, "application/octet-stream") && head.count("content-type") == 1;
}

Result<void> check_body_declared(const http::RequestHead& head) {
  if (!head.has_body()) return {};
  if (!is_image_data(head)) {
    return fail(Code::invalid, "image data travels with Content-Type: application/octet-stream");
  }
  if (is_coded(head.field("content-encoding").value_or(""))) {
    return fail(Code::invalid,
                "image data is stored as it comes; send it without a Content-Encoding");
  }
  return {};
}

async::Task<Result<http::Response>> post_image(service::ImageService& images, Exchange& exchange) {
  Result<Submission> submission = read_submission(exchange);
  if (!submission) co_return pass(submission);
  service::Data data = submission->data();
  Result<image::Image> image = co_await images.register_image(
      exchange.who, std::move(submission->attributes.edits), std::move(data));
  if (!image) co_return pass(image);
  co_return image_document(*image, exchange);
}

async::Task<Result<http::Response>> put_image(service::ImageService& images, Exchange& exchange) {
  Result<Submission> submission = read_submission(exchange);
  if (!submission) co_return pass(submission);
  if (!submission->attributes.any && !submission->body) {
    co_return fail(Code::invalid,
                   "nothing to change: send x-image-meta- headers, data as the body, or both");
  }
  const std::string& id = exchange.parameters[0];
  Result<void> expected = co_await check_conditions(images, exchange);
  if (!expected) co_return pass(expected);
  service::Data data = submission->data();
  Result<image::Image> image = co_await images.change(
      exchange.who, id, std::move(submission->attributes.edits), std::move(data), std::nullopt);
  if (!image) co_return pass(image);
  co_return image_document(*image, exchange);
}

async::Task<Result<http::Response>> delete_image(service::ImageService& images,
                                                 Exchange& exchange) {
  const std::string& id = exchange.parameters[0];
  Result<void> expected = co_await check_conditions(images, exchange);
  if (!expected) co_return pass(expected);
  Result<image::Image> image = co_await images.remove(exchange.who, id);
  if (!image) co_return pass(image);
  co_return image_document(*image, exchange);
}

}  // namespace visor::front::native
