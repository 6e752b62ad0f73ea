#include "front/native/deleted_routes.h"

#include <memory>
#include <utility>

#include "base/clock.h"
#include "front/native/document_list.h"
#include "front/native/list_query.h"

namespace visor::front::native {
namespace {

document::Value deleted_object(const service::DeletedImage& deleted, const std::string& address) {
  document::Value object = object_of(native_attributes(deleted.image, Shown::detail, address));
  // Free attributes may have these names; while an image is deleted, they mean this.
  object.set("uri", address + "/deleted/images/" + deleted.image.id);
  object.set("deleted_at", format_visor_time(deleted.at));
  object.set("deleted_by", deleted.by);
  object.set("restorable_until", format_visor_time(deleted.until));
  return object;
}

async::Task<Result<EntryPage>> read_page(service::ImageService& images, Principal who,
                                         std::optional<std::string> after, std::uint32_t limit,
                                         std::string address) {
  Result<service::DeletedPage> page =
      co_await images.find_deleted(std::move(who), std::move(after), limit);
  if (!page) co_return pass(page);
  EntryPage entries{{}, std::move(page->next)};
  for (const service::DeletedImage& deleted : page->images) {
    entries.entries.push_back(deleted_object(deleted, address));
  }
  co_return entries;
}

Result<ListQuery> read_query(const Exchange& exchange) {
  Result<ListQuery> list = read_list_query(exchange.request.head.query, exchange.address);
  if (!list) return list;
  for (const auto& [name, value] : list->parameters) {
    if (name == "limit") continue;
    return fail(
        Code::invalid,
        "deleted images are listed by id, all of them: the list takes limit and marker only");
  }
  return list;
}

/// Restoring and purging take no body: what comes with one was meant for something else.
Result<void> check_no_body(const Exchange& exchange) {
  if (!exchange.has_body) return {};
  return fail(Code::invalid, "this request takes no body");
}

}  // namespace

async::Task<Result<http::Response>> list_deleted(service::ImageService& images,
                                                 Exchange& exchange) {
  Result<ListQuery> list = read_query(exchange);
  if (!list) co_return pass(list);
  const std::uint32_t limit = list->limited ? list->query.limit : DocumentListSource::kFirstPage;
  Result<EntryPage> page =
      co_await read_page(images, exchange.who, list->query.marker, limit, exchange.address);
  if (!page) co_return pass(page);

  http::Response response;
  response.set("Content-Type", std::string(media_type(exchange.kind())));
  DocumentListWriter writer(exchange.kind(), kImageList);
  if (!list->limited) {
    ReadPage following = [&images, who = exchange.who, address = exchange.address](
                             std::string marker, std::uint32_t count) {
      return read_page(images, who, std::move(marker), count, address);
    };
    response.source =
        std::make_unique<DocumentListSource>(writer, std::move(*page), std::move(following));
    co_return response;
  }
  for (const document::Value& image : page->entries) writer.add(response.text, image);
  const std::string path = http::fold_slashes(exchange.request.head.path);
  writer.finish(response.text, page->next ? next_page(path, *list, *page->next) : "");
  co_return response;
}

async::Task<Result<http::Response>> get_deleted(service::ImageService& images, Exchange& exchange) {
  const std::string& id = exchange.parameters[0];
  Result<service::DeletedImage> deleted = co_await images.show_deleted(exchange.who, id);
  if (!deleted) co_return pass(deleted);
  co_return document_answer(exchange.kind(), "image", deleted_object(*deleted, exchange.address));
}

async::Task<Result<http::Response>> restore_image(service::ImageService& images,
                                                  Exchange& exchange) {
  if (Result<void> empty = check_no_body(exchange); !empty) co_return pass(empty);
  const std::string& id = exchange.parameters[0];
  Result<service::Restored> restored = co_await images.restore(exchange.who, id);
  if (!restored) co_return pass(restored);
  document::Value object =
      object_of(native_attributes(restored->image, Shown::detail, exchange.address));
  std::string links;
  for (const std::string& name : restored->broken_links) {
    links.append(links.empty() ? "" : ", ").append(name);
  }
  if (!links.empty()) object.set("broken_links", links);
  co_return document_answer(exchange.kind(), "image", object);
}

async::Task<Result<http::Response>> purge_image(service::ImageService& images, Exchange& exchange) {
  if (Result<void> empty = check_no_body(exchange); !empty) co_return pass(empty);
  const std::string& id = exchange.parameters[0];
  Result<image::Image> purged = co_await images.purge(exchange.who, id);
  if (!purged) co_return pass(purged);
  co_return document_answer(exchange.kind(), "image",
                            object_of(native_attributes(*purged, Shown::detail, exchange.address)));
}

}  // namespace visor::front::native
