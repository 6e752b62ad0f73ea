#include "front/glance/definition_document.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "document/place.h"
#include "document/schema.h"
#include "front/glance/schemas.h"

namespace visor::front::glance {
namespace {

using document::Value;
using service::Association;
using service::DefinedObject;
using service::DefinedProperty;
using service::DefinedTag;
using service::Namespace;

std::string time_text(Time time) {
  return format_iso_time(std::chrono::floor<std::chrono::seconds>(time));
}

void append_times(Value& document, Time created, Time updated) {
  document.append("created_at", time_text(created)).append("updated_at", time_text(updated));
}

void append_text(Value& document, const char* name, const std::string& text) {
  if (!text.empty()) document.append(name, text);
}

std::string text_of(const Value& document, std::string_view name) {
  const std::string* const text = document.text(name);
  return text == nullptr ? std::string() : *text;
}

std::string encoded(std::string_view name) { return percent_encode(name, ":"); }

Value names_of(const std::vector<DefinedTag>& tags) {
  Value names = Value::array();
  for (const DefinedTag& tag : tags) names.push(Value::object({{"name", tag.name}}));
  return names;
}

Value forms_of(const std::vector<DefinedProperty>& properties) {
  Value forms = Value::object();
  for (const DefinedProperty& property : properties) forms.append(property.name, property.form);
  return forms;
}

/// A property's body without its name, which stands elsewhere.
DefinedProperty property_of(std::string name, Value form) {
  form.erase("name");
  return {std::move(name), std::move(form)};
}

std::vector<DefinedProperty> read_properties(const Value* table) {
  std::vector<DefinedProperty> properties;
  if (table == nullptr || !table->is_object()) return properties;
  for (const auto& [name, form] : *table->as_object()) {
    properties.push_back(property_of(name, form));
  }
  return properties;
}

/// The entries of one member that is an array; none if there is no such member.
template <class T>
std::vector<T> read_all(const Value& body, std::string_view member, T (*read_one)(const Value&)) {
  std::vector<T> all;
  const Value* const entries = body.find(member);
  if (entries == nullptr || !entries->is_array()) return all;
  for (const Value& entry : *entries->as_array()) all.push_back(read_one(entry));
  return all;
}

DefinedTag read_tag(const Value& body) { return {text_of(body, "name")}; }

}  // namespace

std::string path_of(const Namespace& space) {
  return "/v2/metadefs/namespaces/" + encoded(space.name);
}

std::string path_of(const Namespace& space, std::string_view part, std::string_view name) {
  return path_of(space) + "/" + std::string(part) + "/" + encoded(name);
}

Value namespace_document(const Namespace& space, Extent extent) {
  Value document = Value::object();
  document.append("namespace", space.name);
  append_text(document, "display_name", space.display_name);
  append_text(document, "description", space.description);
  document.append("visibility", space.everybodys ? "public" : "private");
  document.append("protected", space.kept);
  append_text(document, "owner", space.owner);
  if (extent != Extent::head && !space.associations.empty()) {
    Value associations = Value::array();
    for (const Association& association : space.associations) {
      associations.push(association_document(association));
    }
    document.append("resource_type_associations", std::move(associations));
  }
  if (extent == Extent::whole) {
    if (!space.properties.empty()) document.append("properties", forms_of(space.properties));
    if (!space.objects.empty()) {
      Value objects = Value::array();
      for (const auto& object : space.objects) objects.push(object_document(space, object));
      document.append("objects", std::move(objects));
    }
    if (!space.tags.empty()) document.append("tags", names_of(space.tags));
  }
  append_times(document, space.created_at, space.updated_at);
  document.append("self", path_of(space)).append("schema", "/v2/schemas/metadefs/namespace");
  return document;
}

Value property_document(const DefinedProperty& property) {
  Value document = Value::object();
  document.append("name", property.name);
  for (const auto& [word, value] : *property.form.as_object()) document.append(word, value);
  return document;
}

Value properties_document(const std::vector<DefinedProperty>& properties) {
  Value table = Value::object();
  for (const auto& property : properties) table.append(property.name, property_document(property));
  return Value::object({{"properties", std::move(table)}});
}

Value object_document(const Namespace& space, const DefinedObject& object) {
  Value document = Value::object();
  document.append("name", object.name);
  append_text(document, "description", object.description);
  Value required = Value::array();
  for (const std::string& name : object.required) required.push(name);
  document.append("required", std::move(required))
      .append("properties", forms_of(object.properties));
  append_times(document, object.created_at, object.updated_at);
  document.append("self", path_of(space, "objects", object.name))
      .append("schema", "/v2/schemas/metadefs/object");
  return document;
}

Value tag_document(const DefinedTag& tag) {
  Value document = Value::object({{"name", tag.name}});
  append_times(document, tag.created_at, tag.updated_at);
  return document;
}

Value association_document(const Association& association) {
  Value document = Value::object({{"name", association.name}});
  append_text(document, "prefix", association.prefix);
  append_text(document, "properties_target", association.target);
  append_times(document, association.created_at, association.updated_at);
  return document;
}

Value resource_type_document(const service::ResourceType& type) {
  Value document = Value::object({{"name", type.name}});
  append_times(document, type.created_at, type.updated_at);
  return document;
}

void add_prefix(Namespace& space, std::string_view resource_type) {
  const auto association = std::ranges::find(space.associations, resource_type, &Association::name);
  if (association == space.associations.end()) return;
  const std::string& prefix = association->prefix;
  for (DefinedProperty& property : space.properties) property.name = prefix + property.name;
  for (DefinedObject& object : space.objects) {
    for (DefinedProperty& property : object.properties) property.name = prefix + property.name;
    for (std::string& name : object.required) name = prefix + name;
  }
}

Result<void> check_definition(const Value& body, std::string_view schema) {
  if (!body.is_object()) return fail(Code::invalid, "the body must be a JSON object");
  const Value& form = schema_of("metadefs/" + std::string(schema));
  const Value* const known = form.find("properties");
  for (const auto& [name, value] : *body.as_object()) {
    const Value* const member = known == nullptr ? nullptr : known->find(name);
    if (member == nullptr || !member->boolean("readOnly").value_or(false)) continue;
    return fail(Code::forbidden,
                "Attribute " + document::quote_for_message(name) + " is read-only.");
  }
  return document::check_schema(form, body);
}

Namespace read_namespace(const Value& body) {
  Namespace space;
  space.name = text_of(body, "namespace");
  space.display_name = text_of(body, "display_name");
  space.description = text_of(body, "description");
  space.everybodys = text_of(body, "visibility") == "public";
  space.kept = body.boolean("protected").value_or(false);
  space.owner = text_of(body, "owner");
  space.associations = read_all(body, "resource_type_associations", read_association);
  space.properties = read_properties(body.find("properties"));
  space.objects = read_all(body, "objects", read_object);
  space.tags = read_all(body, "tags", read_tag);
  return space;
}

DefinedProperty read_property(const Value& body) {
  return property_of(text_of(body, "name"), body);
}

DefinedObject read_object(const Value& body) {
  DefinedObject object{text_of(body, "name"), text_of(body, "description")};
  const Value* const required = body.find("required");
  if (required != nullptr && required->is_array()) {
    for (const Value& name : *required->as_array()) object.required.push_back(*name.as_text());
  }
  object.properties = read_properties(body.find("properties"));
  return object;
}

Association read_association(const Value& body) {
  return {text_of(body, "name"), text_of(body, "prefix"), text_of(body, "properties_target")};
}

std::vector<std::string> read_tag_names(const Value& body) {
  std::vector<std::string> names;
  for (DefinedTag& tag : read_all(body, "tags", read_tag)) names.push_back(std::move(tag.name));
  return names;
}

}  // namespace visor::front::glance
