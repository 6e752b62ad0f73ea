#include "document/schema.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "document/json.h"
#include "document/place.h"

namespace visor::document {
namespace {

constexpr std::string_view kDefinitions = "#/definitions/";

bool is_of_type(const Value& value, std::string_view type) {
  switch (value.kind()) {
    case Value::Kind::null:
      return type == "null";
    case Value::Kind::boolean:
      return type == "boolean";
    case Value::Kind::integer:
      return type == "integer" || type == "number";
    case Value::Kind::number:
      return type == "number";
    case Value::Kind::text:
      return type == "string";
    case Value::Kind::array:
      return type == "array";
    case Value::Kind::object:
      return type == "object";
  }
  return false;
}

std::size_t characters_in(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(first_utf8_character(text).length);
  return count;
}

/// The values of an array in a row, for messages.
std::string listed(const Value::Array& values) {
  std::string list;
  for (const Value& value : values) {
    list.append(list.empty() ? "" : ", ").append(write_json(value));
  }
  return list;
}

class Checker {
 public:
  explicit Checker(const Value& root) : definitions_(root.find("definitions")) {}

  Result<void> check(const Value& schema, const Value& value, const std::string& at) {
    const Value& meant = resolved(schema);
    for (const auto rule :
         {&Checker::check_type, &Checker::check_enum, &Checker::check_text, &Checker::check_number,
          &Checker::check_array, &Checker::check_object}) {
      if (auto kept = (this->*rule)(meant, value, at); !kept) return kept;
    }
    return {};
  }

 private:
  static std::unexpected<Error> refuse(const std::string& at, const std::string& what) {
    return fail(Code::invalid, (at.empty() ? "the document" : at) + " " + what);
  }

  const Value& resolved(const Value& schema) const {
    const std::string* reference = schema.text("$ref");
    if (reference == nullptr || definitions_ == nullptr || !reference->starts_with(kDefinitions)) {
      return schema;
    }
    const Value* const found = definitions_->find(reference->substr(kDefinitions.size()));
    return found == nullptr ? schema : *found;
  }

  Result<void> check_type(const Value& schema, const Value& value, const std::string& at) {
    const Value* const type = schema.find("type");
    if (type == nullptr) return {};
    const Value::Array one = {*type};
    const Value::Array& types = type->is_array() ? *type->as_array() : one;
    const bool fits = std::ranges::any_of(types, [&value](const Value& candidate) {
      return candidate.is_text() && is_of_type(value, *candidate.as_text());
    });
    if (fits) return {};
    return refuse(at, "must be of the type " + listed(types));
  }

  Result<void> check_enum(const Value& schema, const Value& value, const std::string& at) {
    const Value* const allowed = schema.find("enum");
    if (allowed == nullptr || !allowed->is_array()) return {};
    if (std::ranges::find(*allowed->as_array(), value) != allowed->as_array()->end()) return {};
    return refuse(at, "must be one of " + listed(*allowed->as_array()));
  }

  Result<void> check_text(const Value& schema, const Value& value, const std::string& at) {
    const std::string* const text = value.as_text();
    if (text == nullptr) return {};
    return check_count(schema, {"minLength", "maxLength"}, characters_in(*text), at, "characters");
  }

  Result<void> check_number(const Value& schema, const Value& value, const std::string& at) {
    const auto number = value.as_number();
    if (!number) return {};
    const Value* const least = schema.find("minimum");
    if (least != nullptr && least->as_number() && *number < *least->as_number()) {
      return refuse(at, "must be at least " + write_json(*least));
    }
    const Value* const most = schema.find("maximum");
    if (most != nullptr && most->as_number() && *number > *most->as_number()) {
      return refuse(at, "must be at most " + write_json(*most));
    }
    return {};
  }

  Result<void> check_array(const Value& schema, const Value& value, const std::string& at) {
    const Value::Array* const entries = value.as_array();
    if (entries == nullptr) return {};
    if (auto fits = check_count(schema, {"minItems", "maxItems"}, entries->size(), at, "entries");
        !fits) {
      return fits;
    }
    if (schema.boolean("uniqueItems").value_or(false)) {
      for (auto entry = entries->begin(); entry != entries->end(); ++entry) {
        if (std::find(entries->begin(), entry, *entry) == entry) continue;
        return refuse(at, "has the entry " + write_json(*entry).substr(0, 64) + " twice");
      }
    }
    const Value* const items = schema.find("items");
    if (items == nullptr) return {};
    for (std::size_t i = 0; i < entries->size(); ++i) {
      const std::string place = at + "[" + std::to_string(i) + "]";
      if (auto kept = check(*items, (*entries)[i], place); !kept) return kept;
    }
    return {};
  }

  Result<void> check_object(const Value& schema, const Value& value, const std::string& at) {
    const Value::Object* const members = value.as_object();
    if (members == nullptr) return {};
    if (const Value* const required = schema.find("required");
        required != nullptr && required->is_array()) {
      for (const Value& name : *required->as_array()) {
        if (!name.is_text() || value.find(*name.as_text()) != nullptr) continue;
        return refuse(at, "must have the member " + quote_for_message(*name.as_text()));
      }
    }
    const Value* const known = schema.find("properties");
    const Value* const others = schema.find("additionalProperties");
    for (const auto& [name, member] : *members) {
      const std::string place =
          at.empty() ? quote_for_message(name) : at + " / " + quote_for_message(name);
      const Value* form = known == nullptr ? nullptr : known->find(name);
      if (form == nullptr) form = others;
      if (form == nullptr) continue;
      if (form->as_boolean() == false) {
        return refuse(at, "has the member " + quote_for_message(name) + ", which is not known");
      }
      if (auto kept = check(*form, member, place); !kept) return kept;
    }
    return {};
  }

  static Result<void> check_count(const Value& schema,
                                  std::pair<std::string_view, std::string_view> words,
                                  std::size_t count, const std::string& at, std::string_view what) {
    const auto least = schema.integer(words.first);
    if (least && std::cmp_less(count, *least)) {
      return refuse(at, "must have at least " + std::to_string(*least) + " " + std::string(what));
    }
    const auto most = schema.integer(words.second);
    if (most && std::cmp_greater(count, *most)) {
      return refuse(at, "must have at most " + std::to_string(*most) + " " + std::string(what));
    }
    return {};
  }

  const Value* const definitions_;
};

}  // namespace

Result<void> check_schema(const Value& schema, const Value& value) {
  return Checker(schema).check(schema, value, {});
}

}  // namespace visor::document
