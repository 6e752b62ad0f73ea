#include "front/glance/cache_routes.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace visor::front::glance {
namespace {

using document::Value;
using service::WarmImages;

constexpr std::string_view kTarget = "x-image-cache-clear-target";

// Clients expect a number, and take 0 for never.
Value seconds(const std::optional<Time>& time) {
  if (!time) return 0;
  return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

Value cached_document(const service::WarmImage& image) {
  return Value::object({{"image_id", image.image},
                        {"hits", image.reads.count},
                        {"last_accessed", seconds(image.reads.last)},
                        {"last_modified", seconds(image.since)},
                        {"size", image.size}});
}

std::optional<WarmImages::Which> read_target(std::string_view text) {
  if (text.empty()) return WarmImages::Which::both;
  if (text == "cache") return WarmImages::Which::warm;
  if (text == "queue") return WarmImages::Which::waiting;
  return std::nullopt;
}

}  // namespace

async::Task<Result<http::Response>> list_cache(WarmImages& images, Exchange& exchange) {
  Result<service::WarmStatus> status = co_await images.list(exchange.who);
  if (!status) co_return pass(status);
  Value cached = Value::array();
  for (const service::WarmImage& image : status->warm) cached.push(cached_document(image));
  Value queued = Value::array();
  for (const std::string& id : status->waiting) queued.push(id);
  Value list = Value::object();
  list.append("cached_images", std::move(cached)).append("queued_images", std::move(queued));
  co_return document_answer(200, list);
}

async::Task<Result<http::Response>> queue_for_cache(WarmImages& images, Exchange& exchange) {
  const std::string& id = exchange.parameters[0];
  Result<void> queued = co_await images.queue(exchange.who, id);
  if (!queued) co_return pass(queued);
  co_return empty_answer(202);
}

async::Task<Result<http::Response>> delete_from_cache(WarmImages& images, Exchange& exchange) {
  auto forgotten = images.forget(exchange.who, exchange.parameters[0]);
  if (!forgotten) co_return pass(forgotten);
  co_return empty_answer(204);
}

async::Task<Result<http::Response>> clear_cache(WarmImages& images, Exchange& exchange) {
  const auto which = read_target(exchange.request.head.field(kTarget).value_or(""));
  if (!which) {
    auto allowed = check_administrator(exchange, "clear the cache");
    if (!allowed) co_return pass(allowed);
    co_return fail(Code::invalid,
                   std::string(kTarget) + " takes cache, queue, or nothing for both");
  }
  auto cleared = images.clear(exchange.who, *which);
  if (!cleared) co_return pass(cleared);
  co_return empty_answer(204);
}

async::Task<Result<http::Response>> show_cache_of_node(WarmImages&, Exchange& exchange) {
  auto allowed = check_administrator(exchange, "see the caches of nodes");
  if (!allowed) co_return pass(allowed);
  co_return fail(Code::conflict,
                 "no database of nodes is kept here; ask each node for its own cache");
}

async::Task<Result<http::Response>> clean_cache(WarmImages&, Exchange& exchange) {
  auto allowed = check_administrator(exchange, "clean the cache");
  if (!allowed) co_return pass(allowed);
  co_return empty_answer(200);
}

async::Task<Result<http::Response>> prune_cache(WarmImages&, Exchange& exchange) {
  auto allowed = check_administrator(exchange, "prune the cache");
  if (!allowed) co_return pass(allowed);
  co_return document_answer(200,
                            Value::object({{"total_files_pruned", 0}, {"total_bytes_pruned", 0}}));
}

}  // namespace visor::front::glance
