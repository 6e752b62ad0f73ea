#include "front/glance/schemas.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "document/json.h"

namespace visor::front::glance {

std::string_view schemas_text();

namespace {

using document::Value;

enum class Form {
  one,
  list,   ///< an array of what is listed
  table,  ///< an object whose members are what is listed
};

struct Row {
  std::string_view path;
  std::string_view of;      ///< the schema of one
  std::string_view member;  ///< what a list's own member is called
  Form form = Form::one;
};

constexpr std::array kRows = {
    Row{"image", "image", {}},
    Row{"images", "image", "images", Form::list},
    Row{"member", "member", {}},
    Row{"members", "member", "members", Form::list},
    Row{"task", "task", {}},
    Row{"tasks", "task", "tasks", Form::list},
    Row{"metadefs/namespace", "namespace", {}},
    Row{"metadefs/namespaces", "namespace", "namespaces", Form::list},
    Row{"metadefs/resource_type", "resource_type_association", {}},
    Row{"metadefs/resource_types", "resource_type_association", "resource_type_associations",
        Form::list},
    Row{"metadefs/property", "property", {}},
    Row{"metadefs/properties", "property", "properties", Form::table},
    Row{"metadefs/object", "object", {}},
    Row{"metadefs/objects", "object", "objects", Form::list},
    Row{"metadefs/tag", "tag", {}},
    Row{"metadefs/tags", "tag", "tags", Form::list},
};

Value link(const char* relation, const char* address) {
  return Value::object({{"rel", relation}, {"href", address}});
}

Value list_schema(const Row& row, Value item) {
  Value definitions;
  if (Value* found = item.find("definitions")) {
    definitions = std::move(*found);
    item.erase("definitions");
  }
  Value listed = Value::object();
  if (row.form == Form::list) {
    listed.append("type", "array").append("items", std::move(item));
  } else {
    listed.append("type", "object").append("additionalProperties", std::move(item));
  }
  Value properties = Value::object();
  properties.append(std::string(row.member), std::move(listed));
  for (const char* path : {"first", "next", "schema"}) {
    properties.append(path, Value::object({{"type", "string"}}));
  }
  Value schema = Value::object();
  schema.append("name", row.member).append("properties", std::move(properties));
  schema.append("links", Value::array({link("first", "{first}"), link("next", "{next}"),
                                       link("describedby", "{schema}")}));
  if (!definitions.is_null()) schema.append("definitions", std::move(definitions));
  return schema;
}

std::map<std::string, Value, std::less<>> make_schemas() {
  auto source = document::parse_json(schemas_text());
  std::map<std::string, Value, std::less<>> schemas;
  if (!source) return schemas;
  const Value& definitions = *source->find("definitions");
  for (Value& schema : *source->find("schemas")->as_array()) {
    if (document::write_json(schema).contains("$ref")) schema.append("definitions", definitions);
    const std::string name = *schema.text("name");
    for (const Row& row : kRows) {
      if (row.of != name) continue;
      schemas.emplace(row.path, row.form == Form::one ? schema : list_schema(row, schema));
    }
  }
  return schemas;
}

}  // namespace

const Value* find_schema(std::string_view name) {
  static const std::map<std::string, Value, std::less<>> kSchemas = make_schemas();
  const auto found = kSchemas.find(name);
  return found == kSchemas.end() ? nullptr : &found->second;
}

const Value& schema_of(std::string_view name) {
  static const Value kNothing;
  const Value* const found = find_schema(name);
  return found == nullptr ? kNothing : *found;
}

}  // namespace visor::front::glance
