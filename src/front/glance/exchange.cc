#include "front/glance/exchange.h"

#include <utility>

#include "async/byte_source.h"
#include "base/encoding.h"
#include "document/json.h"

namespace visor::front::glance {

async::Task<Result<document::Value>> read_document(Exchange& exchange) {
  async::ByteSource& source = exchange.request.body;
  Result<std::string> text = co_await async::read_all(source, kLargestDocument);
  if (!text) co_return pass(text);
  if (text->empty()) co_return fail(Code::invalid, "Body expected in request.");
  auto document = document::parse_json(*text);
  if (!document) {
    co_return fail(Code::invalid, "Malformed JSON in request body: " + document.error().message);
  }
  co_return std::move(*document);
}

http::Response document_answer(int status, const document::Value& document) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.text = document::write_json(document);
  return response;
}

http::Response empty_answer(int status) {
  http::Response response;
  response.status = status;
  return response;
}

Result<void> check_administrator(const Exchange& exchange, std::string_view what) {
  if (exchange.who.administrator) return {};
  return fail(Code::forbidden, "only administrators may " + std::string(what));
}

std::string content_type(const http::RequestHead& head) {
  const std::string_view declared = head.field("content-type").value_or("");
  return to_lower(trim(declared.substr(0, declared.find(';'))));
}

}  // namespace visor::front::glance
