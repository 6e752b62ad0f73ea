#include "front/identity/answers.h"

#include "async/byte_source.h"
#include "document/json.h"
#include "http/router.h"

namespace visor::front::identity {
namespace {

constexpr std::size_t kLargestBody = 64 * 1024;

}  // namespace

http::Response document_answer(int status, const document::Value& document) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.set("Vary", "X-Auth-Token");
  response.set("Cache-Control", "no-store");
  response.text = document::write_json(document);
  return response;
}

http::Response empty_answer(int status) {
  http::Response response;
  response.status = status;
  response.set("Vary", "X-Auth-Token");
  return response;
}

async::Task<Result<http::Response>> at_once(http::Response response) { co_return response; }

async::Task<Result<std::string>> read_body(http::Request& request) {
  async::ByteSource& body = request.body;
  auto text = co_await async::read_all(body, kLargestBody);
  co_return text;
}

std::string_view field(const http::Request& request, std::string_view name) {
  return request.head.field(name).value_or(std::string_view());
}

std::optional<std::string> query_value(const http::Request& request, std::string_view name) {
  const auto query = http::parse_query(request.head.query);
  if (!query) return std::nullopt;
  for (const auto& [key, value] : *query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace visor::front::identity
