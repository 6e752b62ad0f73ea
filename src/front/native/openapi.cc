#include "front/native/openapi.h"

#include "base/digest.h"
#include "document/json.h"
#include "front/native/errors.h"
#include "http/range.h"

namespace visor::front::native {

// Written by cmake/embed.cmake.
std::string_view openapi_text();

namespace {

// Long enough for a generator's run, short enough for the day of an upgrade.
constexpr std::string_view kMayBeKept = "public, max-age=300";

std::string without_blanks(std::string_view text) {
  // A text that can't be read is sent as it is: a test makes sure that this doesn't happen.
  const Result<document::Value> value = document::parse_json(text);
  return value ? document::write_json(*value) : std::string(text);
}

const http::Validators& validators() {
  static const http::Validators kValidators{
      "\"" + digest_hex(DigestAlgorithm::sha256, api_description()) + "\"", std::nullopt};
  return kValidators;
}

}  // namespace

const std::string& api_description() {
  static const std::string kText = without_blanks(openapi_text());
  return kText;
}

http::Response describe_api(const http::Request& request) {
  const bool head = request.head.method == "HEAD";
  http::Response response;
  switch (http::evaluate_conditions(request.head, validators())) {
    case http::Condition::failed:
      return refusal(status_of(Code::precondition, dialect_of(request.head)),
                     "the description of the API is not what the request's conditions expect",
                     {dialect_of(request.head), preferred_kind(request.head), head, request.id});
    case http::Condition::not_modified:
      response.status = 304;
      break;
    case http::Condition::proceed:
      response.set("Content-Type", "application/json");
      if (head) {
        response.unsent_length = api_description().size();
      } else {
        response.text = api_description();
      }
      break;
  }
  response.set("ETag", validators().etag);
  response.set("Cache-Control", std::string(kMayBeKept));
  return response;
}

}  // namespace visor::front::native
