#include "service/record_document.h"

#include <algorithm>
#include <utility>

#include "document/json.h"

namespace visor::service {

using document::Value;

std::unexpected<Error> corrupt(const catalogue::Record& record, std::string_view what) {
  return fail(Code::corrupt, "a record of the catalogue can't be read",
              "record " + record.collection + "/" + record.id + ": " + std::string(what));
}

Result<Value> parse_document(const catalogue::Record& record) {
  auto value = document::parse_json(record.document);
  if (!value) return corrupt(record, value.error().message);
  if (!value->is_object()) return corrupt(record, "the document is no object");
  return value;
}

catalogue::Record wrap(const char* collection, std::string id, const Value& value) {
  return {collection, std::move(id), 0, document::write_json(value), {}};
}

std::uint64_t came_at(Time created) {
  // A clock before 1970 is no reason to refuse what is made.
  const std::int64_t micros = created.time_since_epoch().count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 1));
}

void set_text(Value& object, const char* name, const std::string& text) {
  if (!text.empty()) object.append(name, text);
}

void set_time(Value& object, const char* name, Time time) {
  object.append(name, time.time_since_epoch().count());
}

std::string text_of(const Value& object, std::string_view name) {
  const std::string* text = object.text(name);
  return text == nullptr ? std::string() : *text;
}

std::optional<Time> time_of(const Value& object, std::string_view name) {
  const auto micros = object.integer(name);
  if (!micros) return std::nullopt;
  return Time(std::chrono::microseconds(*micros));
}

std::optional<std::uint64_t> size_of(const Value& object, std::string_view name) {
  const auto size = object.integer(name);
  if (!size || *size < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*size);
}

void set_digests(Value& object, const Digests& digests) {
  if (digests.empty()) return;
  Value value = Value::object();
  for (const auto& [algorithm, hex] : digests) value.append(std::string(to_string(algorithm)), hex);
  object.append("digests", std::move(value));
}

Digests digests_of(const Value& object) {
  Digests digests;
  const Value* value = object.find("digests");
  const Value::Object* members = value == nullptr ? nullptr : value->as_object();
  if (members == nullptr) return digests;
  for (const auto& [name, hex] : *members) {
    const auto algorithm = parse_digest_algorithm(name);
    if (algorithm && hex.is_text()) digests[*algorithm] = *hex.as_text();
  }
  return digests;
}

}  // namespace visor::service
