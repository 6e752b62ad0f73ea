#include "front/native/image_reading.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "front/native/attribute_header.h"
#include "front/native/document_list.h"
#include "front/native/list_query.h"
#include "image/rules.h"

namespace visor::front::native {
namespace {

/// The headers that GET and HEAD have in common.
http::Response described(const image::Image& image, const image::Reads& reads,
                         const Exchange& exchange) {
  http::Response response;
  write_attributes(native_attributes(image, Shown::single, exchange.address, reads), response);
  if (image.state != image::DataState::present) return response;
  const http::Validators validators = validators_of(image);
  response.set("ETag", validators.etag);
  if (validators.last_modified) {
    response.set("Last-Modified", format_http_time(*validators.last_modified));
  }
  response.set("Accept-Ranges", "bytes");
  response.set("Content-Type", "application/octet-stream");
  // Both parts are made of letters, digits and dashes: nothing to escape, and no name of a user's
  // making.
  const std::string name = image.id + (image.format.empty() ? "" : "." + image.format);
  response.set("Content-Disposition", "attachment; filename=\"" + name + "\"");
  return response;
}

http::PreparedAnswer render_head(const service::Description& found, const Exchange& exchange) {
  const http::Response response = described(*found.image, found.reads, exchange);
  http::PreparedAnswer answer;
  for (const auto& [name, value] : response.fields) {
    http::append_field(answer.fields, name, value);
  }
  return answer;
}

http::PreparedAnswer render_metadata(const service::Description& found, const Exchange& exchange) {
  http::PreparedAnswer answer;
  http::append_field(answer.fields, "Content-Type", media_type(exchange.kind()));
  answer.text = write_document(
      exchange.kind(), "image",
      object_of(native_attributes(*found.image, Shown::single, exchange.address, found.reads)));
  return answer;
}

http::Response head_answer(const service::Description& found, RenderedImages& rendered,
                           const Exchange& exchange) {
  http::Response response;
  response.prepared = rendered.get(found, exchange, 'h', render_head);
  response.unsent_length = found.image->state == image::DataState::present ? found.image->size : 0;
  return response;
}

http::Response metadata_answer(const service::Description& found, RenderedImages& rendered,
                               const Exchange& exchange) {
  http::Response response;
  response.prepared = rendered.get(found, exchange, 'm', render_metadata);
  return response;
}

bool is_conditional(const http::RequestHead& head) {
  return std::ranges::any_of(head.fields, [](const http::Field& field) {
    return field.name.size() > 3 && equal_ignoring_case(field.name.substr(0, 3), "if-");
  });
}

http::Response not_modified(const http::Validators& validators) {
  http::Response response;
  response.status = 304;
  response.set("ETag", validators.etag);
  if (validators.last_modified) {
    response.set("Last-Modified", format_http_time(*validators.last_modified));
  }
  return response;
}

std::unexpected<Error> condition_failed() {
  return fail(Code::precondition, "the image's data is not what the request's conditions expect");
}

/// Whether who asks may be sent to where the data lies. Clients of 2012 know one server only;
/// others may say that they don't follow.
bool may_redirect(const Exchange& exchange) {
  const auto wish = exchange.request.head.field("x-visor-redirect");
  return exchange.form.dialect != Dialect::classic && !(wish && equal_ignoring_case(*wish, "none"));
}

/// Sends the client to where the data lies. The address is as good as a key while it lasts.
async::Task<Result<http::Response>> redirected(service::ImageService& images,
                                               const image::Image& image, std::string address,
                                               const Exchange& exchange) {
  Result<image::Reads> reads = co_await images.reads(image.id);
  if (!reads) co_return pass(reads);
  http::Response response;
  response.status = 307;
  write_attributes(native_attributes(image, Shown::single, exchange.address, *reads), response);
  response.set("Location", std::move(address));
  response.set("Cache-Control", "no-store");
  co_return response;
}

http::Response unsatisfiable(std::uint64_t size, const Exchange& exchange) {
  http::Response response =
      refusal(status_of(Code::range, exchange.form.dialect),
              "the range lies outside of the data, which has " + std::to_string(size) + " bytes",
              exchange.form);
  response.set("Content-Range", http::unsatisfied_content_range(size));
  return response;
}

struct PageForm {
  Shown shown;
  std::string address;
  std::vector<ReadsFilter> reads;
};

async::Task<Result<bool>> was_read_so(service::ImageService& images, std::string id,
                                      const std::vector<ReadsFilter>& filters) {
  if (filters.empty()) co_return true;
  Result<image::Reads> reads = co_await images.reads(std::move(id));
  if (!reads) co_return pass(reads);
  co_return std::ranges::all_of(
      filters, [&reads](const ReadsFilter& filter) { return fits(filter, *reads); });
}

async::Task<Result<EntryPage>> read_page(service::ImageService& images, Principal who,
                                         image::Query query, PageForm form) {
  Result<image::Page> page = co_await images.find(std::move(who), std::move(query));
  if (!page) co_return pass(page);
  EntryPage entries{{}, std::move(page->next)};
  for (const image::Image& image : page->images) {
    Result<bool> wanted = co_await was_read_so(images, image.id, form.reads);
    if (!wanted) co_return pass(wanted);
    if (!*wanted) continue;
    entries.entries.push_back(object_of(native_attributes(image, form.shown, form.address)));
  }
  co_return entries;
}

}  // namespace

http::Validators validators_of(const image::Image& image) {
  std::string tag = image.blob;
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha256}) {
    const auto digest = image.digests.find(algorithm);
    if (digest != image.digests.end()) tag = digest->second;
  }
  return {"\"" + tag + "\"", image.uploaded_at};
}

async::Task<Result<void>> check_conditions(service::ImageService& images, Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  const auto asks = [&head](std::string_view name) { return head.field(name).has_value(); };
  const bool expects_data = asks("if-match");
  if (!expects_data && !asks("if-none-match") && !asks("if-unmodified-since")) {
    co_return Result<void>{};
  }
  const std::string& id = exchange.parameters[0];
  Result<image::Image> image = co_await images.show(exchange.who, id);
  if (!image) co_return pass(image);
  // Conditions count only where the request would be granted without them (RFC 9110, 13.2.1).
  if (auto allowed = image::check_may_change(exchange.who, *image); !allowed) {
    co_return pass(allowed);
  }
  const bool holds =
      image->state == image::DataState::present
          ? http::evaluate_conditions(head, validators_of(*image)) == http::Condition::proceed
          : !expects_data;
  if (!holds) co_return condition_failed();
  co_return Result<void>{};
}

async::Task<Result<http::Response>> list_images(service::ImageService& images, Exchange& exchange,
                                                Shown shown) {
  const http::RequestHead& head = exchange.request.head;
  Result<ListQuery> list = read_list_query(head.query, exchange.address);
  if (!list) co_return pass(list);
  const std::uint32_t wanted = list->limited ? list->query.limit : UINT32_MAX;
  list->query.limit = std::min(wanted, DocumentListSource::kFirstPage);
  const PageForm form{shown, exchange.address, list->reads};
  Result<EntryPage> page = co_await read_page(images, exchange.who, list->query, form);
  if (!page) co_return pass(page);

  http::Response response;
  response.set("Content-Type", std::string(media_type(exchange.kind())));
  DocumentListWriter writer(exchange.kind(), kImageList);
  const auto next = [path = http::fold_slashes(head.path), asked = *list](
                        const std::string& marker) { return next_page(path, asked, marker); };
  if (wanted > list->query.limit && page->next) {
    ReadPage following = [&images, who = exchange.who, query = list->query, form](
                             std::string marker, std::uint32_t limit) mutable {
      query.marker = std::move(marker);
      query.limit = limit;
      return read_page(images, who, query, form);
    };
    std::optional<ListBound> bound;
    if (list->limited) bound = ListBound{wanted - list->query.limit, next};
    response.source = std::make_unique<DocumentListSource>(writer, std::move(*page),
                                                           std::move(following), std::move(bound));
    co_return response;
  }
  for (const document::Value& image : page->entries) writer.add(response.text, image);
  writer.finish(response.text, page->next ? next(*page->next) : "");
  co_return response;
}

async::Task<Result<http::Response>> head_image(service::ImageService& images,
                                               RenderedImages& rendered, Exchange& exchange) {
  Result<service::Description> found =
      co_await images.describe(exchange.who, exchange.parameters[0]);
  if (!found) co_return pass(found);
  const image::Image& image = *found->image;
  if (image.state == image::DataState::present) {
    const http::Validators validators = validators_of(image);
    switch (http::evaluate_conditions(exchange.request.head, validators)) {
      case http::Condition::not_modified:
        co_return not_modified(validators);
      case http::Condition::failed:
        co_return condition_failed();
      case http::Condition::proceed:
        break;
    }
  }
  co_return head_answer(*found, rendered, exchange);
}

std::optional<http::Response> head_image_at_once(service::ImageService& images,
                                                 RenderedImages& rendered, Exchange& exchange) {
  if (is_conditional(exchange.request.head)) return std::nullopt;
  const auto found = images.describe_at_once(exchange.who, exchange.parameters[0]);
  if (!found) return std::nullopt;
  return head_answer(*found, rendered, exchange);
}

async::Task<Result<http::Response>> get_image(service::ImageService& images, Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  const std::string& id = exchange.parameters[0];
  Result<service::Download> download = co_await images.download(exchange.who, id);
  if (!download) co_return pass(download);

  const http::Validators validators = validators_of(download->image);
  switch (http::evaluate_conditions(head, validators)) {
    case http::Condition::not_modified:
      co_return not_modified(validators);
    case http::Condition::failed:
      co_return condition_failed();
    case http::Condition::proceed:
      break;
  }
  http::ResolvedRange range{0, download->size};
  http::RangeOutcome outcome = http::RangeOutcome::whole;
  if (http::range_applies(head, validators)) {
    outcome = http::resolve_range(head.field("range"), download->size, range);
  }
  if (outcome == http::RangeOutcome::unsatisfiable) {
    co_return unsatisfiable(download->size, exchange);
  }
  const service::Download& found = *download;
  // The store's entity tags and times are others: what depends on them stays here.
  if (may_redirect(exchange) && !is_conditional(head)) {
    Result<std::optional<std::string>> elsewhere = images.elsewhere(found);
    if (!elsewhere) co_return pass(elsewhere);
    if (*elsewhere) {
      const image::Image& image = found.image;
      std::string address = std::move(**elsewhere);
      co_return co_await redirected(images, image, std::move(address), exchange);
    }
  }
  const store::ByteRange bytes{range.offset, range.length};
  Result<std::unique_ptr<async::ByteSource>> source = co_await images.open(found, bytes);
  if (!source) co_return pass(source);
  Result<image::Reads> reads = co_await images.reads(id);
  if (!reads) co_return pass(reads);

  http::Response response = described(download->image, *reads, exchange);
  if (outcome == http::RangeOutcome::partial) {
    response.status = 206;
    response.set("Content-Range", http::content_range(range, download->size));
  }
  response.source = std::move(*source);
  response.self_contained = true;
  co_return response;
}

async::Task<Result<http::Response>> get_metadata(service::ImageService& images,
                                                 RenderedImages& rendered, Exchange& exchange) {
  Result<service::Description> found =
      co_await images.describe(exchange.who, exchange.parameters[0]);
  if (!found) co_return pass(found);
  co_return metadata_answer(*found, rendered, exchange);
}

std::optional<http::Response> get_metadata_at_once(service::ImageService& images,
                                                   RenderedImages& rendered, Exchange& exchange) {
  const auto found = images.describe_at_once(exchange.who, exchange.parameters[0]);
  if (!found) return std::nullopt;
  return metadata_answer(*found, rendered, exchange);
}

}  // namespace visor::front::native
