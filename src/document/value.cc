#include "document/value.h"

#include <algorithm>
#include <array>

namespace visor::document {

Value::Value() = default;
Value::Value(std::nullptr_t) {}
Value::Value(double value) : data_(value) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(Data data) : data_(std::move(data)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
Value::Value(Array entries) : data_(std::move(entries)) {}
Value::Value(Object members) : data_(std::move(members)) {}

Value Value::array(std::initializer_list<Value> entries) { return Value(Array(entries)); }
Value Value::object(std::initializer_list<Member> members) { return Value(Object(members)); }

std::optional<bool> Value::as_boolean() const {
  const bool* value = std::get_if<bool>(&data_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::as_integer() const {
  const std::int64_t* value = std::get_if<std::int64_t>(&data_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<double> Value::as_number() const {
  if (const double* value = std::get_if<double>(&data_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*value);
  return std::nullopt;
}

const Value* Value::find(std::string_view name) const {
  const Object* members = as_object();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, name, &Member::name);
  return found == members->end() ? nullptr : &found->value;
}

Value* Value::find(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).find(name));
}

const std::string* Value::text(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? nullptr : value->as_text();
}

std::optional<std::int64_t> Value::integer(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? std::nullopt : value->as_integer();
}

std::optional<bool> Value::boolean(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? std::nullopt : value->as_boolean();
}

Value& Value::set(std::string_view name, Value value) {
  if (Value* present = find(name)) {
    *present = std::move(value);
    return *this;
  }
  return append(std::string(name), std::move(value));
}

Value& Value::append(std::string name, Value value) {
  if (is_null()) data_ = Object();
  if (Object* members = as_object()) members->push_back({std::move(name), std::move(value)});
  return *this;
}

Value& Value::push(Value value) {
  if (is_null()) data_ = Array();
  if (Array* entries = as_array()) entries->push_back(std::move(value));
  return *this;
}

bool Value::erase(std::string_view name) {
  Object* members = as_object();
  return members != nullptr &&
         std::erase_if(*members, [&](const Member& member) { return member.name == name; }) > 0;
}

std::size_t Value::size() const {
  if (const Array* entries = as_array()) return entries->size();
  if (const Object* members = as_object()) return members->size();
  return 0;
}

bool operator==(const Value& left, const Value& right) { return left.data_ == right.data_; }

std::string_view to_string(Value::Kind kind) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "null", "boolean", "whole number", "number", "text", "array", "object"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace visor::document
