// Tags of a namespace.
#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "front/glance/definition_body.h"
#include "front/glance/definition_document.h"
#include "front/glance/definition_routes.h"

namespace visor::front::glance {
namespace {

using document::Value;
using service::DefinedTag;
using service::DefinitionService;
using service::Namespace;
using service::NamespaceEdit;

/// Whether a header field says yes, in any of the words that Python programs write.
bool says_yes(const http::RequestHead& head, std::string_view name) {
  static constexpr std::array<std::string_view, 6> kYes = {"1", "t", "true", "on", "y", "yes"};
  const std::string word = to_lower(trim(head.field(name).value_or("")));
  return std::ranges::find(kYes, word) != kYes.end();
}

Value name_document(const std::string& name) { return Value::object({{"name", name}}); }

/// A change that leaves a tag of this name behind; the tag as it is then.
async::Task<Result<std::pair<Namespace, DefinedTag>>> change_tag(DefinitionService& definitions,
                                                                 Exchange& exchange,
                                                                 std::string name,
                                                                 NamespaceEdit edit) {
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  auto tag = find_part(space->tags, "tag", name);
  if (!tag) co_return pass(tag);
  DefinedTag changed = **tag;
  co_return std::pair{std::move(*space), std::move(changed)};
}

}  // namespace

async::Task<Result<http::Response>> list_definition_tags(DefinitionService& definitions,
                                                         Exchange& exchange) {
  auto query = read_part_query(exchange.request.head.query);
  if (!query) co_return pass(query);
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  auto page = page_of_parts(space->tags, "tag", *query);
  if (!page) co_return pass(page);
  Value tags = Value::array();
  for (const DefinedTag& tag : page->parts) tags.push(name_document(tag.name));
  Value document = Value::object();
  document.append("tags", std::move(tags)).append("schema", "/v2/schemas/metadefs/tags");
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> create_definition_tags(DefinitionService& definitions,
                                                           Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "tags");
  if (!body) co_return pass(body);
  if (body->find("tags") == nullptr) {
    co_return fail(Code::invalid, "the document must have the member \"tags\"");
  }
  const std::vector<std::string> names = read_tag_names(*body);
  const bool append = says_yes(exchange.request.head, "x-openstack-append");
  NamespaceEdit edit = append ? service::append_tags(names) : service::replace_tags(names);
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  Value tags = Value::array();
  for (const std::string& name : names) tags.push(name_document(name));
  co_return document_answer(201, Value::object({{"tags", std::move(tags)}}));
}

async::Task<Result<http::Response>> create_definition_tag(DefinitionService& definitions,
                                                          Exchange& exchange) {
  const std::string& name = exchange.parameters[1];
  NamespaceEdit edit = service::add_tag(name);
  Result<std::pair<Namespace, DefinedTag>> tag =
      co_await change_tag(definitions, exchange, name, std::move(edit));
  if (!tag) co_return pass(tag);
  co_return created_answer(exchange, path_of(tag->first, "tags", name), tag_document(tag->second));
}

async::Task<Result<http::Response>> show_definition_tag(DefinitionService& definitions,
                                                        Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  auto tag = find_part(space->tags, "tag", exchange.parameters[1]);
  if (!tag) co_return pass(tag);
  co_return document_answer(200, tag_document(**tag));
}

async::Task<Result<http::Response>> update_definition_tag(DefinitionService& definitions,
                                                          Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "tag");
  if (!body) co_return pass(body);
  const std::string name = *body->text("name");
  NamespaceEdit edit = service::rename_tag(exchange.parameters[1], name);
  Result<std::pair<Namespace, DefinedTag>> tag =
      co_await change_tag(definitions, exchange, name, std::move(edit));
  if (!tag) co_return pass(tag);
  co_return document_answer(200, tag_document(tag->second));
}

async::Task<Result<http::Response>> delete_definition_tag(DefinitionService& definitions,
                                                          Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_tag(exchange.parameters[1]));
}

async::Task<Result<http::Response>> delete_definition_tags(DefinitionService& definitions,
                                                           Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_all_tags());
}

}  // namespace visor::front::glance
