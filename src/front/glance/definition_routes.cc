#include "front/glance/definition_routes.h"

#include <utility>

#include "base/encoding.h"
#include "front/glance/definition_body.h"
#include "front/glance/definition_document.h"
#include "front/glance/definition_query.h"

namespace visor::front::glance {

using document::Value;
using service::DefinitionService;
using service::Namespace;

async::Task<Result<Value>> read_definition(Exchange& exchange, std::string_view schema) {
  Result<Value> body = co_await read_document(exchange);
  if (!body) co_return body;
  if (auto good = check_definition(*body, schema); !good) co_return pass(good);
  co_return body;
}

http::Response created_answer(const Exchange& exchange, const std::string& path,
                              const Value& document) {
  http::Response response = document_answer(201, document);
  response.set("Location", exchange.address + path);
  return response;
}

async::Task<Result<http::Response>> answer_removal(DefinitionService& definitions,
                                                   Exchange& exchange,
                                                   service::NamespaceEdit edit) {
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  co_return empty_answer(204);
}

async::Task<Result<http::Response>> list_namespaces(DefinitionService& definitions,
                                                    Exchange& exchange) {
  auto list = read_namespace_query(exchange.request.head.query);
  if (!list) co_return pass(list);
  service::NamespacePage page;
  if (!list->nothing) {
    Result<service::NamespacePage> found = co_await definitions.list(exchange.who, list->query);
    if (!found) co_return pass(found);
    page = std::move(*found);
  }
  const std::string path = "/v2/metadefs/namespaces";
  const std::string query = list->repeated.empty() ? "" : "?" + list->repeated;
  Value namespaces = Value::array();
  for (const Namespace& space : page.namespaces) {
    namespaces.push(namespace_document(space, Extent::associations));
  }
  Value document = Value::object();
  document.append("namespaces", std::move(namespaces)).append("first", path + query);
  if (page.more) {
    const std::string marker = "marker=" + percent_encode(page.namespaces.back().name);
    document.append("next", path + (query.empty() ? "?" : query + "&") + marker);
  }
  document.append("schema", "/v2/schemas/metadefs/namespaces");
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> create_namespace(DefinitionService& definitions,
                                                     Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "namespace");
  if (!body) co_return pass(body);
  Namespace wanted = read_namespace(*body);
  Result<Namespace> space = co_await definitions.create(exchange.who, std::move(wanted));
  if (!space) co_return pass(space);
  co_return created_answer(exchange, path_of(*space), namespace_document(*space, Extent::whole));
}

async::Task<Result<http::Response>> show_namespace(DefinitionService& definitions,
                                                   Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  if (const auto type = parameter_of(exchange.request.head.query, "resource_type")) {
    add_prefix(*space, *type);
  }
  co_return document_answer(200, namespace_document(*space, Extent::whole));
}

async::Task<Result<http::Response>> update_namespace(DefinitionService& definitions,
                                                     Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "namespace");
  if (!body) co_return pass(body);
  Namespace wanted = read_namespace(*body);
  if (wanted.owner.empty()) wanted.owner = exchange.who.account;
  service::NamespaceEdit edit = service::change_head(std::move(wanted));
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  co_return document_answer(200, namespace_document(*space, Extent::head));
}

async::Task<Result<http::Response>> delete_namespace(DefinitionService& definitions,
                                                     Exchange& exchange) {
  Result<Namespace> removed = co_await definitions.remove(exchange.who, exchange.parameters[0]);
  if (!removed) co_return pass(removed);
  co_return empty_answer(204);
}

}  // namespace visor::front::glance
