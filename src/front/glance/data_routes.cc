#include "front/glance/data_routes.h"

#include <charconv>
#include <memory>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "front/glance/errors.h"
#include "http/range.h"
#include "http/router.h"

namespace visor::front::glance {
namespace {

constexpr std::string_view kDataType = "application/octet-stream";

/// The range that the request asks for; older clients name it in Content-Range.
std::optional<std::string> asked_range(const http::RequestHead& head) {
  if (const auto range = head.field("range")) return std::string(*range);
  const auto range = head.field("content-range");
  if (!range || !range->starts_with("bytes ")) return std::nullopt;
  return "bytes=" + std::string(range->substr(6, range->find('/') - 6));
}

http::Response unsatisfiable(const Exchange& exchange, std::uint64_t size) {
  http::Response response = refusal(exchange, 416, "the range lies outside of the data");
  response.set("Content-Range", http::unsatisfied_content_range(size));
  return response;
}

/// The stores that the caller wants the data from, the most wanted first.
Result<std::vector<std::string>> read_preferred(std::string_view query) {
  std::vector<std::string> stores;
  const auto pairs = http::parse_query(query);
  if (!pairs) return fail(Code::invalid, "the query is malformed");
  for (const auto& [name, value] : *pairs) {
    if (name != "prefer") continue;
    for (const auto store : std::views::split(value, ','))
      stores.emplace_back(store.begin(), store.end());
  }
  return stores;
}

/// An upload that came to nothing because the image was deleted meanwhile.
async::Task<Result<http::Response>> upload_refused(service::ImageService& images,
                                                   Exchange& exchange, Error error) {
  if (error.code != Code::conflict) co_return std::unexpected(std::move(error));
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (image || image.error().code != Code::not_found) co_return std::unexpected(std::move(error));
  co_return refusal(exchange, 410, "the image was deleted while its data was being uploaded");
}

}  // namespace

Result<void> check_formats(const image::Image& image) {
  std::string missing;
  if (image.container.empty()) missing = "container_format";
  if (image.format.empty()) missing += missing.empty() ? "disk_format" : ", disk_format";
  if (missing.empty()) return {};
  return fail(Code::invalid, "Properties " + missing + " must be set prior to saving data.");
}

Result<Announced> read_announced(const http::RequestHead& head) {
  Announced announced;
  if (const auto store = head.field("x-image-meta-store"); store && !store->empty()) {
    announced.edits.push_back({.name = "store", .value = std::string(*store)});
  }
  if (const auto text = head.field("x-openstack-image-size")) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
    if (error != std::errc() || end != text->data() + text->size()) {
      return fail(Code::invalid, "x-openstack-image-size takes a number of bytes");
    }
    announced.size = size;
  }
  return announced;
}

async::Task<Result<http::Response>> upload_file(service::ImageService& images, bool strict_formats,
                                                Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  if (content_type(head) != kDataType) co_return wrong_media_type(exchange, kDataType);
  auto announced = read_announced(head);
  if (!announced) co_return pass(announced);
  const std::string& id = exchange.parameters[0];
  Result<image::Image> image = co_await images.show(exchange.who, id);
  if (!image) co_return pass(image);
  if (auto ready = check_formats(*image); !ready) co_return pass(ready);
  service::Data data = service::Data::from(exchange.request.body);
  data.promised = announced->size;
  data.strict = strict_formats;
  Result<image::Image> stored = co_await images.change(
      exchange.who, id, std::move(announced->edits), std::move(data), std::nullopt);
  if (stored) co_return empty_answer(204);
  Error error = std::move(stored.error());
  co_return co_await upload_refused(images, exchange, std::move(error));
}

async::Task<Result<http::Response>> download_file(service::ImageService& images,
                                                  Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  const std::string& id = exchange.parameters[0];
  Result<image::Image> image = co_await images.show(exchange.who, id);
  if (!image) co_return pass(image);
  const bool deactivated = image::phase_of(*image) == image::Phase::held;
  if (image->state != image::DataState::present && !deactivated) co_return empty_answer(204);
  auto preferred = read_preferred(head.query);
  if (!preferred) co_return pass(preferred);
  Result<service::Download> download =
      co_await images.download(exchange.who, id, std::move(*preferred));
  if (!download) co_return pass(download);

  const auto asked = asked_range(head);
  if (asked && asked->contains(',')) {
    co_return fail(Code::invalid, "one range at a time is served");
  }
  http::ResolvedRange range{0, download->size};
  const auto outcome = http::resolve_range(asked, download->size, range);
  const bool garbled = asked && outcome == http::RangeOutcome::whole;
  if (garbled || outcome == http::RangeOutcome::unsatisfiable) {
    co_return unsatisfiable(exchange, download->size);
  }

  http::Response response;
  response.set("Content-Type", std::string(kDataType));
  response.set("Accept-Ranges", "bytes");
  const auto md5 = download->image.digests.find(DigestAlgorithm::md5);
  if (md5 != download->image.digests.end()) response.set("Content-MD5", md5->second);
  if (outcome == http::RangeOutcome::partial) {
    response.status = 206;
    response.set("Content-Range", http::content_range(range, download->size));
  }
  if (head.method == "HEAD") {
    response.unsent_length = range.length;
    co_return response;
  }
  const service::Download& found = *download;
  const store::ByteRange bytes{range.offset, range.length};
  Result<std::unique_ptr<async::ByteSource>> source = co_await images.open(found, bytes);
  if (!source) co_return pass(source);
  response.source = std::move(*source);
  response.self_contained = true;
  co_return response;
}

}  // namespace visor::front::glance
