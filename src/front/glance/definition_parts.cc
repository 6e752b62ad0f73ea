// Properties, objects and resource types of a namespace.
#include <utility>

#include "front/glance/definition_body.h"
#include "front/glance/definition_document.h"
#include "front/glance/definition_routes.h"

namespace visor::front::glance {
namespace {

using document::Value;
using service::Association;
using service::DefinedObject;
using service::DefinedProperty;
using service::DefinitionService;
using service::Namespace;
using service::NamespaceEdit;

/// The name of a property without the prefix that it has where it is set on things of this kind.
Result<std::string> name_without_prefix(const Namespace& space, const std::string& name,
                                        const std::string& resource_type) {
  auto association = find_part(space.associations, "resource type", resource_type);
  if (!association) return pass(association);
  const std::string& prefix = (*association)->prefix;
  if (!prefix.empty() && name.starts_with(prefix)) return name.substr(prefix.size());
  return fail(Code::not_found, "the property's name does not begin with the prefix " + prefix +
                                   " of this resource type");
}

}  // namespace

async::Task<Result<http::Response>> list_properties(DefinitionService& definitions,
                                                    Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  co_return document_answer(200, properties_document(space->properties));
}

async::Task<Result<http::Response>> create_property(DefinitionService& definitions,
                                                    Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "property");
  if (!body) co_return pass(body);
  const DefinedProperty property = read_property(*body);
  NamespaceEdit edit = service::add_property(property);
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  co_return created_answer(exchange, path_of(*space, "properties", property.name),
                           property_document(property));
}

async::Task<Result<http::Response>> show_property(DefinitionService& definitions,
                                                  Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  std::string name = exchange.parameters[1];
  if (const auto type = parameter_of(exchange.request.head.query, "resource_type")) {
    auto bare = name_without_prefix(*space, name, *type);
    if (!bare) co_return pass(bare);
    name = std::move(*bare);
  }
  auto property = find_part(space->properties, "property", name);
  if (!property) co_return pass(property);
  co_return document_answer(200, property_document(**property));
}

async::Task<Result<http::Response>> update_property(DefinitionService& definitions,
                                                    Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "property");
  if (!body) co_return pass(body);
  const DefinedProperty property = read_property(*body);
  NamespaceEdit edit = service::replace_property(exchange.parameters[1], property);
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  co_return document_answer(200, property_document(property));
}

async::Task<Result<http::Response>> delete_property(DefinitionService& definitions,
                                                    Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_property(exchange.parameters[1]));
}

async::Task<Result<http::Response>> delete_properties(DefinitionService& definitions,
                                                      Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_all_properties());
}

async::Task<Result<http::Response>> list_objects(DefinitionService& definitions,
                                                 Exchange& exchange) {
  auto query = read_part_query(exchange.request.head.query);
  if (!query) co_return pass(query);
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  auto page = page_of_parts(space->objects, "object", *query);
  if (!page) co_return pass(page);
  Value objects = Value::array();
  for (const DefinedObject& object : page->parts) objects.push(object_document(*space, object));
  Value document = Value::object();
  document.append("objects", std::move(objects)).append("schema", "/v2/schemas/metadefs/objects");
  co_return document_answer(200, document);
}

async::Task<Result<http::Response>> create_object(DefinitionService& definitions,
                                                  Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "object");
  if (!body) co_return pass(body);
  DefinedObject wanted = read_object(*body);
  NamespaceEdit edit = service::add_object(std::move(wanted));
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  const DefinedObject& object = space->objects.back();
  co_return created_answer(exchange, path_of(*space, "objects", object.name),
                           object_document(*space, object));
}

async::Task<Result<http::Response>> show_object(DefinitionService& definitions,
                                                Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  auto object = find_part(space->objects, "object", exchange.parameters[1]);
  if (!object) co_return pass(object);
  co_return document_answer(200, object_document(*space, **object));
}

async::Task<Result<http::Response>> update_object(DefinitionService& definitions,
                                                  Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "object");
  if (!body) co_return pass(body);
  DefinedObject wanted = read_object(*body);
  const std::string name = wanted.name;
  NamespaceEdit edit = service::replace_object(exchange.parameters[1], std::move(wanted));
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  auto object = find_part(space->objects, "object", name);
  if (!object) co_return pass(object);
  co_return document_answer(200, object_document(*space, **object));
}

async::Task<Result<http::Response>> delete_object(DefinitionService& definitions,
                                                  Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_object(exchange.parameters[1]));
}

async::Task<Result<http::Response>> delete_objects(DefinitionService& definitions,
                                                   Exchange& exchange) {
  return answer_removal(definitions, exchange, service::remove_all_objects());
}

async::Task<Result<http::Response>> list_associations(DefinitionService& definitions,
                                                      Exchange& exchange) {
  Result<Namespace> space = co_await definitions.show(exchange.who, exchange.parameters[0]);
  if (!space) co_return pass(space);
  Value associations = Value::array();
  for (const Association& association : space->associations) {
    associations.push(association_document(association));
  }
  co_return document_answer(
      200, Value::object({{"resource_type_associations", std::move(associations)}}));
}

async::Task<Result<http::Response>> create_association(DefinitionService& definitions,
                                                       Exchange& exchange) {
  Result<Value> body = co_await read_definition(exchange, "resource_type");
  if (!body) co_return pass(body);
  Association wanted = read_association(*body);
  NamespaceEdit edit = service::associate(std::move(wanted));
  Result<Namespace> space =
      co_await definitions.change(exchange.who, exchange.parameters[0], std::move(edit));
  if (!space) co_return pass(space);
  const Association& association = space->associations.back();
  co_return created_answer(exchange, path_of(*space, "resource_types", association.name),
                           association_document(association));
}

async::Task<Result<http::Response>> delete_association(DefinitionService& definitions,
                                                       Exchange& exchange) {
  return answer_removal(definitions, exchange, service::dissociate(exchange.parameters[1]));
}

async::Task<Result<http::Response>> list_resource_types(DefinitionService& definitions,
                                                        Exchange& exchange) {
  Result<std::vector<service::ResourceType>> types =
      co_await definitions.resource_types(exchange.who);
  if (!types) co_return pass(types);
  Value list = Value::array();
  for (const service::ResourceType& type : *types) list.push(resource_type_document(type));
  co_return document_answer(200, Value::object({{"resource_types", std::move(list)}}));
}

}  // namespace visor::front::glance
