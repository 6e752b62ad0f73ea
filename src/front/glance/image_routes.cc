#include "front/glance/image_routes.h"

#include <utility>

#include "base/encoding.h"
#include "document/json.h"
#include "front/glance/errors.h"
#include "front/glance/image_document.h"
#include "front/glance/image_edits.h"
#include "front/glance/list_query.h"
#include "front/glance/location_edits.h"
#include "front/glance/location_routes.h"
#include "front/glance/patch.h"

namespace visor::front::glance {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

/// The document of an image for the caller of a request.
async::Task<Result<document::Value>> document_of(service::ImageService& images, const Offer& offer,
                                                 const Exchange& exchange,
                                                 const image::Image& image) {
  Whereabouts whereabouts;
  Result<std::vector<std::string>> stores = co_await images.stores_of(image);
  if (!stores) co_return pass(stores);
  whereabouts.stores = std::move(*stores);
  if (offer.locations != nullptr) {
    Result<std::vector<service::Location>> places = co_await images.locations_of(image);
    if (!places) co_return pass(places);
    const bool whole = image::check_may_change(exchange.who, image).has_value();
    whereabouts.locations = locations_document(*places, whole);
  }
  co_return image_document(image, std::move(whereabouts));
}

async::Task<Result<http::Response>> image_answer(service::ImageService& images, const Offer& offer,
                                                 const Exchange& exchange, image::Image image) {
  Result<document::Value> document = co_await document_of(images, offer, exchange, image);
  if (!document) co_return pass(document);
  co_return document_answer(200, *document);
}

/// A page's links: to the first page, and to the one that follows.
std::string list_link(const ListQuery& list, const std::string* marker) {
  std::string link = "/v2/images";
  if (!list.repeated.empty()) link += "?" + list.repeated;
  if (marker != nullptr) link += (list.repeated.empty() ? "?marker=" : "&marker=") + *marker;
  return link;
}

}  // namespace

async::Task<Result<http::Response>> create_image(service::ImageService& images, const Offer& offer,
                                                 Exchange& exchange) {
  Result<document::Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  auto wanted = read_new_image(*body);
  if (!wanted) co_return pass(wanted);
  service::Registration registration{.id = std::move(wanted->id), .partial = true};
  Result<image::Image> image = co_await images.register_image(
      exchange.who, std::move(wanted->edits), service::Data::none(), std::move(registration));
  if (!image) co_return pass(image);
  Result<document::Value> document = co_await document_of(images, offer, exchange, *image);
  if (!document) co_return pass(document);
  http::Response response = document_answer(201, *document);
  response.set("Location", exchange.address + "/v2/images/" + image->id);
  response.set("OpenStack-image-import-methods", joined(offer.import_methods));
  response.set("OpenStack-image-store-ids", joined(offer.stores));
  co_return response;
}

async::Task<Result<http::Response>> list_images(service::ImageService& images, const Offer& offer,
                                                Exchange& exchange) {
  auto list = read_list_query(exchange.request.head.query);
  if (!list) co_return pass(list);
  Result<image::Page> page = co_await images.find(exchange.who, list->query);
  if (!page) co_return pass(page);
  if (list->nothing) *page = {};
  http::Response response;
  response.set("Content-Type", "application/json");
  std::string& text = response.text;
  text = "{\"images\":[";
  for (const image::Image& image : page->images) {
    Result<document::Value> document = co_await document_of(images, offer, exchange, image);
    if (!document) co_return pass(document);
    if (&image != &page->images.front()) text += ',';
    document::append_json(text, *document);
  }
  text += "],\"first\":";
  document::append_json_string(text, list_link(*list, nullptr));
  // A full page may be the last one; that shows when the next one is asked for.
  if (!page->images.empty() && page->images.size() == list->query.limit) {
    text += ",\"next\":";
    document::append_json_string(text, list_link(*list, &page->images.back().id));
  }
  text += ",\"schema\":\"/v2/schemas/images\"}";
  co_return response;
}

async::Task<Result<http::Response>> show_image(service::ImageService& images, const Offer& offer,
                                               Exchange& exchange) {
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (!image) co_return pass(image);
  co_return co_await image_answer(images, offer, exchange, std::move(*image));
}

async::Task<Result<http::Response>> patch_image(service::ImageService& images, const Offer& offer,
                                                Exchange& exchange) {
  const std::string type = content_type(exchange.request.head);
  if (type != kPatchType && type != kOldPatchType) {
    http::Response response = wrong_media_type(exchange, kPatchType);
    response.set("Accept-Patch", std::string(kPatchType) + ", " + std::string(kOldPatchType));
    co_return response;
  }
  const bool old_form = type == kOldPatchType;
  Result<document::Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  auto operations = read_patch(*body, old_form);
  if (!operations) co_return pass(operations);
  if (offer.locations != nullptr && changes_locations(*operations)) {
    Result<image::Image> located =
        co_await change_locations(*offer.locations, std::move(*operations), exchange);
    if (!located) co_return pass(located);
    co_return co_await image_answer(images, offer, exchange, std::move(*located));
  }
  service::Editor editor = [operations = std::move(*operations),
                            old_form](const image::Image& image) {
    return read_changes(image, operations, old_form);
  };
  Result<image::Image> image =
      co_await images.change(exchange.who, exchange.parameters[0], std::move(editor));
  if (!image) co_return pass(image);
  co_return co_await image_answer(images, offer, exchange, std::move(*image));
}

async::Task<Result<http::Response>> delete_image(service::ImageService& images,
                                                 Exchange& exchange) {
  Result<image::Image> removed = co_await images.remove(exchange.who, exchange.parameters[0]);
  if (!removed) co_return pass(removed);
  co_return empty_answer(204);
}

namespace {

// To this API a state that does not allow it is nothing to wait for.
Result<http::Response> lifecycle_answer(Result<image::Image> changed) {
  if (changed) return empty_answer(204);
  if (changed.error().code == Code::conflict) changed.error().code = Code::forbidden;
  return pass(changed);
}

}  // namespace

async::Task<Result<http::Response>> deactivate_image(service::ImageService& images,
                                                     Exchange& exchange) {
  Result<image::Image> changed = co_await images.deactivate(exchange.who, exchange.parameters[0]);
  co_return lifecycle_answer(std::move(changed));
}

async::Task<Result<http::Response>> reactivate_image(service::ImageService& images,
                                                     Exchange& exchange) {
  Result<image::Image> changed = co_await images.reactivate(exchange.who, exchange.parameters[0]);
  co_return lifecycle_answer(std::move(changed));
}

namespace {

/// The image's tags with one more, or one less.
service::Editor tag_editor(std::string tag, bool add) {
  return [tag = std::move(tag), add](const image::Image& image) -> Result<image::Edits> {
    std::set<std::string> tags = image.tags;
    if (add) {
      tags.insert(tag);
    } else if (tags.erase(tag) == 0) {
      return fail(Code::not_found, "the image has no such tag");
    }
    image::Edit edit{.name = "tags", .lenient = true};
    edit.values.assign(tags.begin(), tags.end());
    return image::Edits{std::move(edit)};
  };
}

}  // namespace

async::Task<Result<http::Response>> put_tag(service::ImageService& images, Exchange& exchange) {
  service::Editor editor = tag_editor(exchange.parameters[1], true);
  Result<image::Image> changed =
      co_await images.change(exchange.who, exchange.parameters[0], std::move(editor));
  if (!changed) co_return pass(changed);
  co_return empty_answer(204);
}

async::Task<Result<http::Response>> delete_tag(service::ImageService& images, Exchange& exchange) {
  service::Editor editor = tag_editor(exchange.parameters[1], false);
  Result<image::Image> changed =
      co_await images.change(exchange.who, exchange.parameters[0], std::move(editor));
  if (!changed) co_return pass(changed);
  co_return empty_answer(204);
}

}  // namespace visor::front::glance
