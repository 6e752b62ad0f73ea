#include "front/glance/store_routes.h"

#include <utility>

#include "base/units.h"

namespace visor::front::glance {
namespace {

using document::Value;

// The API's clients expect texts where others have true and false.
Value store_document(const StoreInfo& store) {
  Value document = Value::object();
  document.append("id", store.name);
  if (store.standard) document.append("default", "true");
  if (store.read_only) document.append("read-only", "true");
  return document;
}

http::Response stores_answer(Value stores) {
  Value list = Value::object();
  list.append("stores", std::move(stores));
  return document_answer(200, list);
}

}  // namespace

async::Task<Result<http::Response>> list_import_methods(const std::vector<std::string>& methods) {
  Value names = Value::array();
  for (const std::string& method : methods) names.push(method);
  Value about = Value::object();
  about.append("description", "The ways in which an image's data can be imported.")
      .append("type", "array")
      .append("value", std::move(names));
  Value document = Value::object();
  document.append("import-methods", std::move(about));
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> list_stores(const std::vector<StoreInfo>& stores) {
  Value list = Value::array();
  for (const StoreInfo& store : stores) list.push(store_document(store));
  co_return stores_answer(std::move(list));
}

async::Task<Result<http::Response>> list_stores_in_detail(const std::vector<StoreInfo>& stores,
                                                          Exchange& exchange) {
  if (!exchange.who.service) {
    if (auto allowed = check_administrator(exchange, "see the details of stores"); !allowed) {
      co_return pass(allowed);
    }
  }
  Value list = Value::array();
  for (const StoreInfo& store : stores) {
    Value document = store_document(store);
    document.append("type", store.kind).append("weight", 0);
    document.append("properties", Value::object());
    list.push(std::move(document));
  }
  co_return stores_answer(std::move(list));
}

async::Task<Result<http::Response>> show_usage(service::ImageService& images, Exchange& exchange) {
  Result<service::Usage> usage = co_await images.usage(exchange.who);
  if (!usage) co_return pass(usage);
  const auto megabytes = [](std::uint64_t bytes) { return (bytes + kMiB - 1) / kMiB; };
  const auto& [bytes, count] = usage->limits;
  const Value size_limit = bytes ? Value(*bytes / kMiB) : Value(-1);
  const Value count_limit = count ? Value(*count) : Value(-1);
  const auto entry = [](Value limit, std::uint64_t used) {
    return Value::object({{"limit", std::move(limit)}, {"usage", used}});
  };
  Value all = Value::object();
  all.append("image_size_total", entry(size_limit, megabytes(usage->bytes)))
      .append("image_stage_total", entry(size_limit, megabytes(usage->staged_bytes)))
      .append("image_count_total", entry(count_limit, usage->images))
      .append("image_count_uploading", entry(-1, usage->uploading));
  co_return document_answer(200, Value::object({{"usage", std::move(all)}}));
}

}  // namespace visor::front::glance
