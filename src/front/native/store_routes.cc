#include "front/native/store_routes.h"

#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "document/json.h"
#include "document/xml.h"
#include "front/native/document_list.h"
#include "front/native/list_query.h"

namespace visor::front::native {
namespace {

/// Far more than a wish may come to.
constexpr std::size_t kLargestDocument = 16 * kKiB;
constexpr std::uint32_t kPage = 100;

constexpr ListName kStoreList{"stores", "store"};
constexpr ListName kCopyList{"copies", "copy"};
constexpr ListName kPlacementList{"placements", "placement"};

std::string_view name_of(store::Capability::Reference reference) {
  switch (reference) {
    case store::Capability::Reference::administrators:
      return "administrators";
    case store::Capability::Reference::privileged:
      return "privileged";
    case store::Capability::Reference::nobody:
      break;
  }
  return "nobody";
}

void append_text(document::Value& object, const char* name, const std::string& text) {
  if (!text.empty()) object.append(name, text);
}

void append_number(document::Value& object, const char* name, std::uint64_t number) {
  if (number != 0) object.append(name, number);
}

document::Value placement_object(const service::Placement& placement) {
  document::Value shown =
      document::Value::object({{"id", placement.id},
                               {"kind", std::string(to_string(placement.kind))},
                               {"state", std::string(to_string(placement.state))}});
  append_text(shown, "image", placement.image);
  append_text(shown, "store", placement.store);
  append_text(shown, "from", placement.from);
  append_text(shown, "account", placement.by);
  append_number(shown, "size", placement.size);
  append_number(shown, "done", placement.done);
  append_number(shown, "checked", placement.checked);
  append_number(shown, "damaged", placement.damaged);
  append_text(shown, "failure", placement.failure);
  shown.append("created_at", format_visor_time(placement.created));
  shown.append("updated_at", format_visor_time(placement.updated));
  return shown;
}

http::Response placement_answer(const Exchange& exchange, const service::Placement& placement) {
  http::Response response =
      document_answer(exchange.kind(), "placement", placement_object(placement));
  response.set("Cache-Control", "no-store");
  return response;
}

http::Response list_answer(const Exchange& exchange, ListName name,
                           const std::vector<document::Value>& entries, std::string_view next) {
  http::Response response;
  response.set("Content-Type", std::string(media_type(exchange.kind())));
  response.set("Cache-Control", "no-store");
  DocumentListWriter writer(exchange.kind(), name);
  for (const document::Value& entry : entries) writer.add(response.text, entry);
  writer.finish(response.text, next);
  return response;
}

/// A wish as JSON or XML, bare or under "placement"; which kind it is shows in its first character.
Result<service::PlacementRequest> read_wish(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) {
    return fail(Code::invalid, "a document is missing: send kind, store and image as JSON or XML");
  }
  auto document = text[start] == '<' ? document::parse_xml(text) : document::parse_json(text);
  if (!document) return pass(document);
  const document::Value* wish = document->find("placement");
  if (wish == nullptr || !wish->is_object()) wish = &*document;
  if (!wish->is_object()) {
    return fail(Code::invalid, "the document must be an object with kind, store and image");
  }
  service::PlacementRequest request;
  bool named = false;
  for (const document::Member& member : *wish->as_object()) {
    const std::string* value = member.value.as_text();
    if (value == nullptr) {
      return fail(Code::invalid, "the field " + member.name.substr(0, 64) + " takes a text");
    }
    if (member.name == "kind") {
      const auto kind = service::parse_placement_kind(*value);
      if (!kind) return fail(Code::invalid, "kind takes copy, move, evict or scrub");
      request.kind = *kind;
      named = true;
    } else if (member.name == "image") {
      request.image = *value;
    } else if (member.name == "store") {
      request.store = *value;
    } else if (member.name == "from") {
      request.from = *value;
    } else {
      return fail(Code::invalid, "a placement takes the fields kind, image, store and from only");
    }
  }
  if (!named) return fail(Code::invalid, "kind is missing: copy, move, evict or scrub");
  return request;
}

Result<void> check_no_body(const Exchange& exchange) {
  if (!exchange.has_body) return {};
  return fail(Code::invalid, "this request takes no body");
}

}  // namespace

async::Task<Result<http::Response>> list_stores(service::PlacementService& placements,
                                                Exchange& exchange) {
  auto stores = placements.stores(exchange.who);
  if (!stores) {
    tell_refused(exchange, "store.list", {}, stores.error());
    co_return pass(stores);
  }
  std::vector<document::Value> entries;
  for (const service::StoreStatus& store : *stores) {
    entries.push_back(document::Value::object(
        {{"name", store.name},
         {"default", store.standard},
         {"writable", store.capability.writable},
         {"references", std::string(name_of(store.capability.reference))}}));
  }
  co_return list_answer(exchange, kStoreList, entries, {});
}

async::Task<Result<http::Response>> check_store(service::PlacementService& placements,
                                                Exchange& exchange) {
  if (Result<void> empty = check_no_body(exchange); !empty) co_return pass(empty);
  const std::string& name = exchange.parameters[0];
  Result<service::StoreCheck> check = co_await placements.check(exchange.who, name);
  if (!check) {
    tell_refused(exchange, "store.check", {}, check.error());
    co_return pass(check);
  }
  document::Value shown = document::Value::object({{"store", check->store}});
  const bool asked = check->duration.count() > 0;
  shown.append("result", check->failure ? "failed" : asked ? "well" : "unchecked");
  if (check->failure) {
    shown.append("failure", check->failure->message);
    log_failure(*check->failure, exchange.request);
  }
  shown.append("duration", static_cast<double>(check->duration.count()) / 1e6);
  co_return document_answer(exchange.kind(), "check", shown);
}

async::Task<Result<http::Response>> list_copies(service::PlacementService& placements,
                                                Exchange& exchange) {
  const std::string& id = exchange.parameters[0];
  Result<std::vector<service::CopyStatus>> copies = co_await placements.copies(exchange.who, id);
  if (!copies) co_return pass(copies);
  std::vector<document::Value> entries;
  for (const service::CopyStatus& copy : *copies) {
    entries.push_back(document::Value::object({{"store", copy.store},
                                               {"location", copy.location},
                                               {"state", copy.damaged    ? "damaged"
                                                         : copy.referred ? "referred"
                                                                         : "whole"},
                                               {"first", entries.empty()}}));
  }
  co_return list_answer(exchange, kCopyList, entries, {});
}

async::Task<Result<http::Response>> post_placement(service::PlacementService& placements,
                                                   Exchange& exchange) {
  const std::unique_ptr<async::ByteSource> body = take_body(exchange);
  async::ByteSource& source = *body;
  Result<std::string> text = co_await async::read_all(source, kLargestDocument);
  if (!text) co_return pass(text);
  auto wish = read_wish(*text);
  if (!wish) co_return pass(wish);
  Result<service::Placement> placement =
      co_await placements.request(exchange.who, std::move(*wish));
  if (!placement) co_return pass(placement);
  co_return placement_answer(exchange, *placement);
}

async::Task<Result<http::Response>> list_placements(service::PlacementService& placements,
                                                    Exchange& exchange) {
  Result<ListQuery> list = read_list_query(exchange.request.head.query, exchange.address);
  if (!list) co_return pass(list);
  for (const auto& [name, value] : list->parameters) {
    if (name == "limit") continue;
    co_return fail(Code::invalid,
                   "placements are listed by age, all of them: the list takes limit and marker "
                   "only");
  }
  const std::uint32_t limit = list->limited ? list->query.limit : kPage;
  Result<service::PlacementPage> page =
      co_await placements.list(exchange.who, list->query.marker, limit);
  if (!page) {
    tell_refused(exchange, "placement.list", {}, page.error());
    co_return pass(page);
  }
  std::vector<document::Value> entries;
  for (const service::Placement& placement : page->placements) {
    entries.push_back(placement_object(placement));
  }
  const std::string path = http::fold_slashes(exchange.request.head.path);
  const std::string next = page->next ? next_page(path, *list, *page->next) : "";
  co_return list_answer(exchange, kPlacementList, entries, next);
}

async::Task<Result<http::Response>> get_placement(service::PlacementService& placements,
                                                  Exchange& exchange) {
  const std::string& id = exchange.parameters[0];
  Result<service::Placement> placement = co_await placements.show(exchange.who, id);
  if (!placement) {
    tell_refused(exchange, "placement.show", {}, placement.error());
    co_return pass(placement);
  }
  co_return placement_answer(exchange, *placement);
}

async::Task<Result<http::Response>> cancel_placement(service::PlacementService& placements,
                                                     Exchange& exchange) {
  if (Result<void> empty = check_no_body(exchange); !empty) co_return pass(empty);
  const std::string& id = exchange.parameters[0];
  Result<service::Placement> placement = co_await placements.cancel(exchange.who, id);
  if (!placement) co_return pass(placement);
  co_return placement_answer(exchange, *placement);
}

}  // namespace visor::front::native
