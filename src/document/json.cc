#include "document/json.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <set>
#include <system_error>

#include "base/encoding.h"
#include "document/place.h"

namespace visor::document {
namespace {

namespace json = boost::json;

/// Objects with more members than this are watched for names that come twice by a tree rather than
/// one by one.
constexpr std::size_t kFewMembers = 16;

/// A container whose end has not come yet.
struct Open {
  Value value;
  std::string name;                         ///< of the member whose value comes next
  std::set<std::string, std::less<>> seen;  ///< filled once there are many members
};

/// Builds the tree from the parser's events. An event that refuses leaves its reason in `refusal`.
class Builder {
 public:
  // The parser asks for these; the length of the whole text bounds them all.
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  explicit Builder(std::size_t values) : values_left_(values) {}

  std::string refusal;
  bool too_many = false;

  Value take() { return std::move(root_); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  bool on_object_begin(json::error_code& ec) { return open(Value::object(), ec); }
  bool on_object_end(std::size_t, json::error_code& ec) { return close(ec); }
  bool on_array_begin(json::error_code& ec) { return open(Value::array(), ec); }
  bool on_array_end(std::size_t, json::error_code& ec) { return close(ec); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return collect(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    collect(part);
    Open& object = open_.back();
    object.name = std::exchange(text_, {});
    if (!known_twice(object)) return true;
    return refuse("the name " + quote_for_message(object.name) + " comes twice in one object", ec);
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    return collect(part);
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    collect(part);
    return add(std::exchange(text_, {}), ec);
  }

  bool on_number_part(json::string_view part, json::error_code&) { return collect(part); }
  bool on_int64(std::int64_t number, json::string_view, json::error_code& ec) {
    text_.clear();
    return add(number, ec);
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code& ec) {
    text_.clear();
    if (!std::in_range<std::int64_t>(number)) return refuse_range(ec);
    return add(static_cast<std::int64_t>(number), ec);
  }
  bool on_double(double number, json::string_view part, json::error_code& ec) {
    collect(part);
    const std::string digits = std::exchange(text_, {});
    if (digits.find_first_of(".eE") == std::string::npos) return refuse_range(ec);
    // The parser's own conversion can be off in the last place; this one never is.
    double exact = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (result.ec == std::errc()) number = exact;
    if (!std::isfinite(number)) return refuse_range(ec);
    return add(number, ec);
  }

  bool on_bool(bool value, json::error_code& ec) { return add(value, ec); }
  bool on_null(json::error_code& ec) { return add(nullptr, ec); }

 private:
  bool collect(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool refuse(std::string reason, json::error_code& ec) {
    refusal = std::move(reason);
    ec = json::error::exception;
    return false;
  }

  bool refuse_range(json::error_code& ec) {
    return refuse("the number is too large (whole numbers take 64 bits with sign)", ec);
  }

  bool count(json::error_code& ec) {
    if (values_left_ == 0) {
      too_many = true;
      return refuse("it has too many values", ec);
    }
    --values_left_;
    return true;
  }

  static bool known_twice(Open& object) {
    const Value::Object& members = *object.value.as_object();
    if (members.size() < kFewMembers) return object.value.find(object.name) != nullptr;
    if (object.seen.empty()) {
      for (const Member& member : members) object.seen.insert(member.name);
    }
    return !object.seen.insert(object.name).second;
  }

  void place(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is_object()) {
      parent.value.append(std::move(parent.name), std::move(value));
    } else {
      parent.value.push(std::move(value));
    }
  }

  bool add(Value value, json::error_code& ec) {
    if (!count(ec)) return false;
    place(std::move(value));
    return true;
  }

  bool open(Value value, json::error_code& ec) {
    if (!count(ec)) return false;
    open_.push_back({std::move(value), {}, {}});
    return true;
  }

  bool close(json::error_code&) {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    place(std::move(value));
    return true;
  }

  std::size_t values_left_;
  std::vector<Open> open_;
  std::string text_;
  Value root_;
};

std::string reason_for(json::error_code ec, const Limits& limits) {
  if (ec == json::error::incomplete) return "it ends too early";
  if (ec == json::error::extra_data) return "something follows after its end";
  if (ec == json::error::too_deep) {
    return "it is nested more than " + std::to_string(limits.depth) + " levels deep";
  }
  if (ec == json::error::exponent_overflow) return "the number's exponent is too large";
  if (ec == json::error::illegal_leading_surrogate ||
      ec == json::error::illegal_trailing_surrogate || ec == json::error::expected_utf16_escape) {
    return "a \\u escape is half of a surrogate pair";
  }
  if (ec == json::error::expected_hex_digit) return "a \\u escape needs four hex digits";
  return "this is not JSON here (a missing comma, quote or bracket, perhaps)";
}

std::unexpected<Error> refuse(Code code, std::string_view text, std::size_t offset,
                              const std::string& reason) {
  return fail(
      code, "the JSON document cannot be read: at " + describe_place(text, offset) + ", " + reason);
}

std::size_t first_stray_byte(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const Utf8Character character = first_utf8_character(text.substr(offset));
    if (!character.valid) break;
    offset += character.length;
  }
  return offset;
}

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  const std::string_view digits(buffer.data(), result.ptr);
  out += digits;
  // Without it, 1.0 would come back as a whole number.
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

/// Writes compactly, or with `indent` blanks a level and a line for each value.
class Writer {
 public:
  Writer(std::string& out, std::size_t indent) : out_(out), indent_(indent) {}

  void write(const Value& value, std::size_t level) {
    switch (value.kind()) {
      case Value::Kind::null:
        out_ += "null";
        break;
      case Value::Kind::boolean:
        out_ += *value.as_boolean() ? "true" : "false";
        break;
      case Value::Kind::integer:
        out_ += std::to_string(*value.as_integer());
        break;
      case Value::Kind::number:
        append_number(out_, *value.as_number());
        break;
      case Value::Kind::text:
        append_json_string(out_, *value.as_text());
        break;
      case Value::Kind::array:
        write_array(*value.as_array(), level);
        break;
      case Value::Kind::object:
        write_object(*value.as_object(), level);
        break;
    }
  }

 private:
  void write_array(const Value::Array& entries, std::size_t level) {
    out_ += '[';
    bool first = true;
    for (const Value& entry : entries) {
      if (!std::exchange(first, false)) out_ += ',';
      new_line(level + 1);
      write(entry, level + 1);
    }
    if (!entries.empty()) new_line(level);
    out_ += ']';
  }

  void write_object(const Value::Object& members, std::size_t level) {
    out_ += '{';
    bool first = true;
    for (const Member& member : members) {
      if (!std::exchange(first, false)) out_ += ',';
      new_line(level + 1);
      append_json_string(out_, member.name);
      out_ += indent_ == 0 ? ":" : ": ";
      write(member.value, level + 1);
    }
    if (!members.empty()) new_line(level);
    out_ += '}';
  }

  void new_line(std::size_t level) {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(level * indent_, ' ');
  }

  std::string& out_;
  std::size_t indent_;
};

}  // namespace

Result<Value> parse_json(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) {
    return fail(Code::too_large, "the JSON document is larger than the " +
                                     std::to_string(limits.bytes) + " bytes that are allowed");
  }
  if (!valid_utf8(text)) {
    return refuse(Code::invalid, text, first_stray_byte(text), "the bytes are not UTF-8");
  }
  json::parse_options options;
  options.max_depth = limits.depth;
  json::basic_parser<Builder> parser(options, limits.values);
  json::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = json::error::extra_data;
  if (ec) {
    const Builder& builder = parser.handler();
    const Code code = builder.too_many ? Code::too_large : Code::invalid;
    return refuse(code, text, read,
                  builder.refusal.empty() ? reason_for(ec, limits) : builder.refusal);
  }
  return parser.handler().take();
}

std::string write_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

std::string write_json_pretty(const Value& value) {
  std::string out;
  Writer(out, 2).write(value, 0);
  return out + '\n';
}

void append_json(std::string& out, const Value& value) { Writer(out, 0).write(value, 0); }

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const std::string_view bytes = text.substr(0, character.length);
    text.remove_prefix(character.length);
    if (!character.valid) {
      out += "\xef\xbf\xbd";
    } else if (character.code == '"' || character.code == '\\') {
      out += '\\';
      out += bytes;
    } else if (character.code == '\n') {
      out += "\\n";
    } else if (character.code == '\r') {
      out += "\\r";
    } else if (character.code == '\t') {
      out += "\\t";
    } else if (character.code < 0x20 || character.code == 0x7f) {
      out += "\\u00";
      out += kHex[character.code >> 4];
      out += kHex[character.code & 15];
    } else {
      out += bytes;
    }
  }
  out += '"';
}

}  // namespace visor::document
