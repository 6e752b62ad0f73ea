// A document as a tree, the same for JSON and XML.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace visor::document {

struct Member;

/// A node of a document: null, a boolean, a whole number, a number, a text, an array or an object
/// whose members keep the order they came in. A plain value: copied deeply, compared deeply, safe
/// to read from several threads.
///
///     Value image = Value::object({{"id", id}, {"size", 42}});
///     if (const std::string* name = image.text("name")) ...
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;
  enum class Kind { null, boolean, integer, number, text, array, object };

  Value();
  Value(std::nullptr_t);
  Value(std::same_as<bool> auto value) : Value(Data(value)) {}
  /// A whole number over 2^63-1 becomes the nearest double.
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  Value(T value)
      : Value(std::in_range<std::int64_t>(value) ? Data(static_cast<std::int64_t>(value))
                                                 : Data(static_cast<double>(value))) {}
  Value(double value);
  Value(std::string value);
  Value(std::string_view value);
  Value(const char* value);
  Value(Array entries);
  Value(Object members);

  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  static Value array(std::initializer_list<Value> entries = {});
  static Value object(std::initializer_list<Member> members = {});

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_text() const { return kind() == Kind::text; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }

  /// Each gives nothing (or a null pointer, valid until the value changes) if the node is of
  /// another kind. `as_number` takes whole numbers too.
  std::optional<bool> as_boolean() const;
  std::optional<std::int64_t> as_integer() const;
  std::optional<double> as_number() const;
  const std::string* as_text() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }
  std::string* as_text() { return std::get_if<std::string>(&data_); }
  Array* as_array() { return std::get_if<Array>(&data_); }
  Object* as_object() { return std::get_if<Object>(&data_); }

  /// The member of this name; a null pointer if there is none or this is no object. Takes time
  /// linear in the number of members.
  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  /// The same, if it is of the kind asked for.
  const std::string* text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;

  /// Replaces the member of this name or puts a new one last. A null becomes an object by it; must
  /// not be called on another kind (the call is then without effect). Returns this value, so that
  /// calls can be chained.
  Value& set(std::string_view name, Value value);
  /// Puts a member last without looking for one of the same name: for building in a loop from names
  /// known to differ.
  Value& append(std::string name, Value value);
  /// Puts an entry last. A null becomes an array by it; without effect on another kind.
  Value& push(Value value);
  /// Takes a member away; false if there was none.
  bool erase(std::string_view name);

  /// Entries of an array or members of an object; 0 for everything else.
  std::size_t size() const;

  friend bool operator==(const Value& left, const Value& right);

 private:
  using Data = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object>;
  explicit Value(Data data);

  Data data_;
};

/// A named value in an object.
struct Member {
  std::string name;
  Value value;
  friend bool operator==(const Member&, const Member&) = default;
};

/// "null", "boolean", "whole number", "number", "text", "array", "object": for messages.
std::string_view to_string(Value::Kind kind);

}  // namespace visor::document
