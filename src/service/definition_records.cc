// How namespaces lie in the catalogue.
#include <utility>

#include "document/json.h"
#include "image/query.h"
#include "service/definitions.h"
#include "service/record_document.h"
#include "service/records.h"

namespace visor::service {
namespace {

using document::Value;

void set_times(Value& object, Time created, Time updated) {
  set_time(object, "created", created);
  set_time(object, "updated", updated);
}

Value encode_properties(const std::vector<DefinedProperty>& properties) {
  Value table = Value::object();
  for (const DefinedProperty& property : properties) table.append(property.name, property.form);
  return table;
}

std::vector<DefinedProperty> decode_properties(const Value* table) {
  std::vector<DefinedProperty> properties;
  if (table == nullptr || !table->is_object()) return properties;
  for (const auto& [name, form] : *table->as_object()) properties.push_back({name, form});
  return properties;
}

Value encode_object(const DefinedObject& object) {
  Value value = Value::object();
  set_text(value, "name", object.name);
  set_text(value, "description", object.description);
  if (!object.required.empty()) {
    Value required = Value::array();
    for (const std::string& name : object.required) required.push(name);
    value.append("required", std::move(required));
  }
  value.append("properties", encode_properties(object.properties));
  set_times(value, object.created_at, object.updated_at);
  return value;
}

DefinedObject decode_object(const Value& value) {
  DefinedObject object{text_of(value, "name"), text_of(value, "description")};
  const Value* const required = value.find("required");
  if (required != nullptr && required->is_array()) {
    for (const Value& name : *required->as_array()) {
      if (name.is_text()) object.required.push_back(*name.as_text());
    }
  }
  object.properties = decode_properties(value.find("properties"));
  object.created_at = time_of(value, "created").value_or(Time());
  object.updated_at = time_of(value, "updated").value_or(Time());
  return object;
}

Value encode_tag(const DefinedTag& tag) {
  Value value = Value::object();
  set_text(value, "name", tag.name);
  set_times(value, tag.created_at, tag.updated_at);
  return value;
}

DefinedTag decode_tag(const Value& value) {
  return {text_of(value, "name"), time_of(value, "created").value_or(Time()),
          time_of(value, "updated").value_or(Time())};
}

Value encode_association(const Association& association) {
  Value value = Value::object();
  set_text(value, "name", association.name);
  set_text(value, "prefix", association.prefix);
  set_text(value, "target", association.target);
  set_times(value, association.created_at, association.updated_at);
  return value;
}

Association decode_association(const Value& value) {
  return {text_of(value, "name"), text_of(value, "prefix"), text_of(value, "target"),
          time_of(value, "created").value_or(Time()), time_of(value, "updated").value_or(Time())};
}

template <class T>
void append_all(Value& value, const char* name, const std::vector<T>& all,
                Value (*encode_one)(const T&)) {
  if (all.empty()) return;
  Value list = Value::array();
  for (const T& one : all) list.push(encode_one(one));
  value.append(name, std::move(list));
}

template <class T>
void read_all(const Value& value, std::vector<T>& all, T (*decode_one)(const Value&)) {
  if (!value.is_array()) return;
  for (const Value& one : *value.as_array()) all.push_back(decode_one(one));
}

/// What a list can be sorted by and filtered on.
std::vector<catalogue::Fact> facts_of(const Namespace& space) {
  // Of texts that are longer than a fact, the beginning is good enough to sort by.
  const auto sortable = [](const std::string& text) {
    return text.substr(0, catalogue::kMaxFactValue);
  };
  std::vector<catalogue::Fact> facts = {
      {catalogue::kAccessFact, image::account_value(space.owner)},
      {"name", space.name},
      {"display_name", sortable(space.display_name)},
      {"owner", sortable(space.owner)},
      {"access", space.everybodys ? "everyone" : "owner"},
      {"kept", space.kept ? "1" : "0"},
      {"updated", until_value(space.updated_at)},
  };
  if (space.everybodys) facts.push_back({catalogue::kAccessFact, "everyone"});
  for (const Association& association : space.associations) {
    facts.push_back({"resource_type", association.name});
  }
  return facts;
}

}  // namespace

catalogue::Record encode(const Namespace& space) {
  Value value = Value::object();
  set_text(value, "display_name", space.display_name);
  set_text(value, "description", space.description);
  value.append("access", space.everybodys ? "everyone" : "owner");
  if (space.kept) value.append("kept", true);
  set_text(value, "owner", space.owner);
  append_all(value, "associations", space.associations, encode_association);
  if (!space.properties.empty()) value.append("properties", encode_properties(space.properties));
  append_all(value, "objects", space.objects, encode_object);
  append_all(value, "tags", space.tags, encode_tag);
  set_times(value, space.created_at, space.updated_at);
  if (const Value::Object* unknown = space.unknown.as_object()) {
    for (const auto& [name, kept] : *unknown) value.append(name, kept);
  }
  catalogue::Record record = wrap(kNamespaces, space.name, value);
  record.revision = space.revision;
  record.facts = facts_of(space);
  return record;
}

Result<catalogue::Put> put_of(const Namespace& space, std::uint64_t expected,
                              std::uint64_t continues) {
  if (auto good = check(space); !good) return pass(good);
  catalogue::Put put{encode(space), expected, continues};
  // What can be written can be read again: it has not too many values either.
  const std::string& document = put.record.document;
  if (document.size() > kLargestNamespace || !document::parse_json(document)) {
    return fail(Code::too_large, "the namespace would hold more than " +
                                     std::to_string(kLargestNamespace >> 10) +
                                     " KiB, or too many values");
  }
  put.came = came_at(space.created_at);
  return put;
}

Result<Namespace> decode_namespace(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const auto created = time_of(*value, "created");
  const auto updated = time_of(*value, "updated");
  if (!created || !updated) return corrupt(record, "a field is missing");
  Namespace space;
  space.name = record.id;
  space.revision = record.revision;
  space.created_at = *created;
  space.updated_at = *updated;
  for (auto& [name, member] : *value->as_object()) {
    if (name == "display_name" || name == "description" || name == "owner") {
      std::string& text = name == "owner"         ? space.owner
                          : name == "description" ? space.description
                                                  : space.display_name;
      if (member.is_text()) text = std::move(*member.as_text());
    } else if (name == "access") {
      space.everybodys = member == Value("everyone");
    } else if (name == "kept") {
      space.kept = member.as_boolean().value_or(false);
    } else if (name == "associations") {
      read_all(member, space.associations, decode_association);
    } else if (name == "properties") {
      space.properties = decode_properties(&member);
    } else if (name == "objects") {
      read_all(member, space.objects, decode_object);
    } else if (name == "tags") {
      read_all(member, space.tags, decode_tag);
    } else if (name != "created" && name != "updated") {
      space.unknown.set(name, std::move(member));
    }
  }
  return space;
}

}  // namespace visor::service
