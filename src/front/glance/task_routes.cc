#include "front/glance/task_routes.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "document/json.h"
#include "front/glance/image_edits.h"
#include "front/glance/import_routes.h"
#include "http/router.h"

namespace visor::front::glance {
namespace {

using document::Value;

constexpr std::uint32_t kUsualPage = 25;
constexpr std::uint32_t kLargestPage = 1000;

struct TaskQuery {
  std::uint32_t limit = kUsualPage;
  std::optional<std::string> marker;
  std::string status;
  std::string type;
};

Result<TaskQuery> read_query(std::string_view text) {
  TaskQuery query;
  const auto pairs = http::parse_query(text);
  if (!pairs) return fail(Code::invalid, "the query is not well-formed");
  for (const auto& [name, value] : *pairs) {
    if (name == "marker") query.marker = value;
    if (name == "status") query.status = value;
    if (name == "type") query.type = value;
    if (name == "sort_dir" && value != "asc" && value != "desc") {
      return fail(Code::invalid, "sort_dir takes asc or desc");
    }
    if (name != "limit") continue;
    std::uint32_t limit = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
    if (error != std::errc() || end != value.data() + value.size() || limit == 0) {
      return fail(Code::invalid, "limit takes a whole number, more than 0");
    }
    query.limit = std::min(limit, kLargestPage);
  }
  return query;
}

Result<std::string> read_source(const Value& body) {
  const std::string* type = body.text("type");
  if (type == nullptr || *type != "import") {
    return fail(Code::invalid, "the type of a task is import");
  }
  const Value* const input = body.find("input");
  const std::string* from = input == nullptr ? nullptr : input->text("import_from");
  if (from == nullptr) return fail(Code::invalid, "the input of an import needs import_from");
  const std::string scheme = to_lower(from->substr(0, from->find("://")));
  if (scheme != "http" && scheme != "https") {
    return fail(Code::invalid, "images are fetched from http and https addresses only");
  }
  return *from;
}

}  // namespace

async::Task<Result<http::Response>> create_task(service::ImageService& images,
                                                service::ImportService& imports,
                                                Exchange& exchange) {
  auto allowed = check_administrator(exchange, "use the tasks API");
  if (!allowed) co_return pass(allowed);
  Result<Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  auto source = read_source(*body);
  if (!source) co_return pass(source);
  const Value* const input = body->find("input");
  const Value* const properties = input->find("image_properties");
  Value wanted = properties == nullptr ? Value::object() : *properties;
  const std::string* format = input->text("import_from_format");
  if (format != nullptr && wanted.find("disk_format") == nullptr && wanted.is_object()) {
    wanted.append("disk_format", *format);
  }
  auto image = read_new_image(wanted);
  if (!image) co_return pass(image);
  service::Registration registration{.id = std::move(image->id), .partial = true};
  Result<image::Image> registered = co_await images.register_image(
      exchange.who, std::move(image->edits), service::Data::none(), std::move(registration));
  if (!registered) co_return pass(registered);
  service::ImportRequest request;
  request.kind = service::Import::Kind::fetched;
  request.image = registered->id;
  request.location = *source;
  request.request = exchange.request_id;
  request.note = document::write_json(*input);
  Result<std::optional<service::Import>> asked =
      co_await imports.request(exchange.who, std::move(request));
  if (!asked) co_return pass(asked);
  const service::Import& import = **asked;
  http::Response response = document_answer(201, task_document(import, false));
  response.set("Location", exchange.address + "/v2/tasks/" + import.id);
  co_return response;
}

async::Task<Result<http::Response>> list_tasks(service::ImportService& imports,
                                               Exchange& exchange) {
  auto allowed = check_administrator(exchange, "use the tasks API");
  if (!allowed) co_return pass(allowed);
  auto query = read_query(exchange.request.head.query);
  if (!query) co_return pass(query);
  Value tasks = Value::array();
  std::string last;
  std::optional<std::string> after = query->marker;
  // What does not fit the filters leaves room for what follows.
  while (tasks.size() < query->limit) {
    Result<std::vector<service::Import>> page =
        co_await imports.list(exchange.who, after, query->limit);
    if (!page) co_return pass(page);
    for (const service::Import& import : *page) {
      Value task = task_document(import, false);
      const bool fits = (query->status.empty() || *task.text("status") == query->status) &&
                        (query->type.empty() || *task.text("type") == query->type);
      if (!fits || tasks.size() == query->limit) continue;
      task.erase("input");
      task.erase("result");
      task.erase("message");
      tasks.push(std::move(task));
      last = import.id;
    }
    if (page->size() < query->limit) break;
    after = page->back().id;
  }
  Value list = Value::object();
  const bool full = tasks.size() == query->limit;
  list.append("tasks", std::move(tasks)).append("first", "/v2/tasks");
  if (full) list.append("next", "/v2/tasks?marker=" + last);
  list.append("schema", "/v2/schemas/tasks");
  co_return document_answer(200, list);
}

async::Task<Result<http::Response>> show_task(service::ImportService& imports, Exchange& exchange) {
  auto allowed = check_administrator(exchange, "use the tasks API");
  if (!allowed) co_return pass(allowed);
  Result<service::Import> import = co_await imports.show(exchange.who, exchange.parameters[0]);
  if (!import) co_return pass(import);
  co_return document_answer(200, task_document(*import, false));
}

}  // namespace visor::front::glance
