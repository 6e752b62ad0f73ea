#include "front/glance/import_routes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "document/json.h"
#include "front/glance/data_routes.h"
#include "front/glance/errors.h"
#include "front/glance/location_edits.h"

namespace visor::front::glance {
namespace {

using document::Value;
using Kind = service::Import::Kind;

constexpr std::string_view kDataType = "application/octet-stream";

constexpr std::array kMethods = {std::pair{std::string_view("glance-direct"), Kind::staged},
                                 std::pair{std::string_view("web-download"), Kind::fetched},
                                 std::pair{std::string_view("copy-image"), Kind::copied},
                                 std::pair{std::string_view("glance-download"), Kind::brought}};

std::optional<Kind> parse_method(std::string_view name) {
  for (const auto& [method, kind] : kMethods) {
    if (method == name) return kind;
  }
  return std::nullopt;
}

/// A flag of the request; `usual` if it says nothing of it.
Result<bool> read_flag(const Value& body, const char* name, bool usual) {
  const Value* const value = body.find(name);
  if (value == nullptr) return usual;
  const auto flag = value->as_boolean();
  if (!flag) return fail(Code::invalid, std::string(name) + " is true or false");
  return *flag;
}

Result<std::vector<std::string>> read_stores(const Value& body) {
  std::vector<std::string> stores;
  const Value* const list = body.find("stores");
  if (list == nullptr) return stores;
  if (!list->is_array()) return fail(Code::invalid, "stores is a list of stores' names");
  for (const Value& entry : *list->as_array()) {
    const std::string* name = entry.as_text();
    if (name == nullptr) return fail(Code::invalid, "stores is a list of stores' names");
    if (std::ranges::find(stores, *name) == stores.end()) stores.push_back(*name);
  }
  return stores;
}

/// Which image of which other service is to be imported.
Result<RemoteImage> read_remote(const Value& method, const Exchange& exchange) {
  const auto member = [&method](const char* name) {
    const std::string* const text = method.text(name);
    return text == nullptr ? std::string() : *text;
  };
  RemoteImage image;
  image.id = to_lower(member("glance_image_id"));
  if (!is_uuid(image.id)) {
    return fail(Code::invalid, "The remote image id does not look like a UUID.");
  }
  image.service.type = "image";
  image.service.region = member("glance_region");
  if (image.service.region.empty()) {
    return fail(Code::invalid, "glance-download needs a glance_region");
  }
  if (auto interface = member("glance_service_interface"); !interface.empty()) {
    image.service.interface = std::move(interface);
  }
  image.service.here = exchange.address;
  image.token = Secret(std::string(exchange.request.head.field("x-auth-token").value_or("")));
  return image;
}

Result<service::ImportRequest> read_import(const Value& body, const Remote& remote,
                                           const Exchange& exchange) {
  const Value* const method = body.find("method");
  const std::string* name = method == nullptr ? nullptr : method->text("name");
  if (name == nullptr) return fail(Code::invalid, "an import needs a method with a name");
  const auto kind = parse_method(*name);
  const bool offered = kind != Kind::brought || remote.identities.has_catalogue();
  if (!kind || !offered) {
    return fail(Code::invalid, "Unknown import method name '" + name->substr(0, 60) + "'.");
  }
  service::ImportRequest request;
  request.kind = *kind;
  request.image = exchange.parameters[0];
  request.request = exchange.request_id;
  request.note = document::write_json(body);
  if (request.kind == Kind::fetched) {
    const std::string* uri = method->text("uri");
    if (uri == nullptr) return fail(Code::invalid, "web-download needs a uri");
    if (auto web = check_web_address(*uri); !web) return pass(web);
    request.location = *uri;
  }
  if (request.kind == Kind::brought) {
    auto image = read_remote(*method, exchange);
    if (!image) return pass(image);
    request.bring = [remote, image = std::move(*image)] {
      return open_remote_image(remote, image);
    };
  }
  auto stores = read_stores(body);
  if (!stores) return pass(stores);
  request.stores = std::move(*stores);
  auto every = read_flag(body, "all_stores", false);
  if (!every) return pass(every);
  request.every_store = *every;
  auto whole = read_flag(body, "all_stores_must_succeed", true);
  if (!whole) return pass(whole);
  request.whole = *whole;
  if (request.every_store && body.find("stores") != nullptr) {
    return fail(Code::invalid, "stores and all_stores exclude each other");
  }
  if (request.stores.empty() && !request.every_store) {
    const auto store = exchange.request.head.field("x-image-meta-store");
    if (store && !store->empty()) request.stores.emplace_back(*store);
  }
  return request;
}

// Rows of tasks have microseconds, and no letter for the zone.
std::string raw_time(Time time) {
  std::string text = format_iso_time(std::chrono::floor<std::chrono::seconds>(time));
  if (text.ends_with('Z')) text.pop_back();
  const auto micros = time.time_since_epoch().count() % 1'000'000;
  std::string fraction = std::to_string(micros);
  return text + "." + std::string(6 - std::min<std::size_t>(fraction.size(), 6), '0') + fraction;
}

std::string_view task_status(service::Import::State state) {
  using State = service::Import::State;
  switch (state) {
    case State::waiting:
      return "pending";
    case State::running:
      return "processing";
    case State::done:
      return "success";
    case State::failed:
      break;
  }
  return "failure";
}

}  // namespace

std::vector<std::string> import_methods(bool between_services) {
  std::vector<std::string> names;
  for (const auto& [method, kind] : kMethods) {
    if (kind != Kind::brought || between_services) names.emplace_back(method);
  }
  return names;
}

document::Value task_document(const service::Import& import, bool raw) {
  const auto time = [raw](Time at) {
    return raw ? raw_time(at) : format_iso_time(std::chrono::floor<std::chrono::seconds>(at));
  };
  constexpr auto kLookedUp = std::chrono::hours(48);
  Value input = Value::object();
  input.append("image_id", import.image);
  auto note = document::parse_json(import.note);
  input.append("import_req", note ? std::move(*note) : Value::object());
  Value stores = Value::array();
  for (const std::string& store : import.stores) stores.push(store);
  input.append("backend", std::move(stores));
  Value task = Value::object();
  task.append("id", import.id)
      .append("type", import.kind == Kind::referred ? "location_import" : "api_image_import")
      .append("status", task_status(import.state))
      .append("owner", import.owner)
      .append("expires_at", import.over() ? Value(time(import.updated + kLookedUp)) : Value())
      .append("created_at", time(import.created))
      .append("updated_at", time(import.updated));
  if (raw) task.append("deleted_at", Value()).append("deleted", false);
  task.append("image_id", import.image)
      .append("request_id", import.request)
      .append("user_id", import.user)
      .append("input", std::move(input))
      .append("result", import.state == service::Import::State::done
                            ? Value::object({{"image_id", import.image}})
                            : Value())
      .append("message", import.message);
  if (!raw) task.append("self", "/v2/tasks/" + import.id).append("schema", "/v2/schemas/task");
  return task;
}

async::Task<Result<http::Response>> stage_data(service::ImageService& images, bool strict_formats,
                                               Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  if (content_type(head) != kDataType) co_return wrong_media_type(exchange, kDataType);
  auto announced = read_announced(head);
  if (!announced) co_return pass(announced);
  service::Data data = service::Data::from(exchange.request.body);
  data.promised = announced->size;
  data.strict = strict_formats;
  data.aside = true;
  Result<image::Image> staged = co_await images.change(
      exchange.who, exchange.parameters[0], image::Edits{}, std::move(data), std::nullopt);
  if (!staged) co_return pass(staged);
  co_return empty_answer(204);
}

async::Task<Result<http::Response>> import_image(service::ImageService& images,
                                                 service::ImportService& imports,
                                                 const Remote& remote, Exchange& exchange) {
  Result<Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  auto request = read_import(*body, remote, exchange);
  if (!request) co_return pass(request);
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (!image) co_return pass(image);
  // What comes from another service brings them along.
  auto ready = request->kind == Kind::brought ? Result<void>{} : check_formats(*image);
  if (!ready) {
    co_return fail(Code::conflict, ready.error().message);
  }
  Result<std::optional<service::Import>> asked =
      co_await imports.request(exchange.who, std::move(*request));
  if (!asked) co_return pass(asked);
  co_return empty_answer(202);
}

async::Task<Result<http::Response>> list_image_tasks(service::ImportService& imports,
                                                     Exchange& exchange) {
  Result<std::vector<service::Import>> found =
      co_await imports.of_image(exchange.who, exchange.parameters[0]);
  if (!found) co_return pass(found);
  Value tasks = Value::array();
  for (const service::Import& import : *found) tasks.push(task_document(import, true));
  Value list = Value::object();
  list.append("tasks", std::move(tasks));
  co_return document_answer(200, list);
}

async::Task<Result<http::Response>> delete_from_store(service::ImportService& imports,
                                                      Exchange& exchange) {
  Result<void> dropped =
      co_await imports.evict(exchange.who, exchange.parameters[1], exchange.parameters[0]);
  if (!dropped) co_return pass(dropped);
  co_return empty_answer(204);
}

}  // namespace visor::front::glance
