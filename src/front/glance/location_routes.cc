#include "front/glance/location_routes.h"

#include <utility>

#include "document/json.h"
#include "front/glance/location_edits.h"

namespace visor::front::glance {
namespace {

using document::Value;

/// "sha512:…"; empty if the caller does not say what the data must be.
Result<std::string> read_validation(const Value& body) {
  auto claimed = read_claim(body);
  if (!claimed) return pass(claimed);
  if (auto form = check_claim(*claimed); !form) return pass(form);
  if (claimed->empty()) return std::string();
  // The last one is the strongest.
  const auto& [algorithm, digest] = *claimed->rbegin();
  return std::string(to_string(algorithm)) + ":" + digest;
}

}  // namespace

async::Task<Result<http::Response>> add_location(service::ImportService& imports,
                                                 Exchange& exchange) {
  Result<Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  const std::string* url = body->text("url");
  if (url == nullptr || url->empty()) co_return fail(Code::invalid, "a location needs a url");
  auto digest = read_validation(*body);
  if (!digest) co_return pass(digest);
  if (auto web = check_web_address(*url); !web) co_return pass(web);
  service::ImportRequest request;
  request.kind = service::Import::Kind::referred;
  request.image = exchange.parameters[0];
  request.location = *url;
  request.request = exchange.request_id;
  request.note = document::write_json(*body);
  request.digest = std::move(*digest);
  Result<std::optional<service::Import>> asked =
      co_await imports.request(exchange.who, std::move(request));
  if (!asked) co_return pass(asked);
  Value answer = Value::array();
  Value location = Value::object();
  location.append("url", *url).append("metadata", Value::object());
  answer.push(std::move(location));
  co_return document_answer(202, answer);
}

async::Task<Result<http::Response>> list_locations(service::ImageService& images,
                                                   Exchange& exchange) {
  if (!exchange.who.service) {
    auto allowed = check_administrator(exchange, "see where an image's data lies");
    if (!allowed) co_return pass(allowed);
  }
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (!image) co_return pass(image);
  Result<std::vector<service::Location>> locations = co_await images.locations_of(*image);
  if (!locations) co_return pass(locations);
  co_return document_answer(200, locations_document(*locations, true));
}

async::Task<Result<image::Image>> change_locations(service::LocationService& locations,
                                                   std::vector<Operation> operations,
                                                   Exchange& exchange) {
  service::LocationEditor editor = [operations = std::move(operations)](
                                       const image::Image& image,
                                       const std::vector<service::Location>& places) {
    return read_locations(image, places, operations);
  };
  // Whoever may change an image may refer to the web, as with POST …/locations; the guard of what
  // is fetched decides about the address.
  Principal who = exchange.who;
  who.may_refer = true;
  return locations.change(std::move(who), exchange.parameters[0], std::move(editor));
}

}  // namespace visor::front::glance
