#include "import_plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/encoding.h"

namespace visor::command {
namespace {

using document::Value;

// What a server says of itself, or what follows from the data; none of it can be set.
constexpr std::array<std::string_view, 17> kNotTaken = {
    "id",           "status",        "size",       "virtual_size", "checksum",
    "os_hash_algo", "os_hash_value", "created_at", "updated_at",   "self",
    "file",         "schema",        "stores",     "locations",    "direct_url",
    "deleted",      "deleted_at"};
// Attributes of the image itself; everything else is a property.
constexpr std::array<std::string_view, 10> kAttributes = {
    "name",     "visibility", "protected", "os_hidden",   "owner",
    "min_disk", "min_ram",    "tags",      "disk_format", "container_format"};
// These can't be changed once there is data.
constexpr std::array<std::string_view, 2> kOfData = {"disk_format", "container_format"};
constexpr std::string_view kReservedPrefix = "os_glance";

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_property(std::string_view name, const Value& value) {
  return value.is_text() && !among(kNotTaken, name) && !among(kAttributes, name) &&
         name != "location" && !name.starts_with(kReservedPrefix);
}

std::string text_of(const Value& document, std::string_view name) {
  const std::string* text = document.text(name);
  return text != nullptr ? *text : std::string();
}

bool takes(std::string_view attribute, const ImportRules& rules) {
  return attribute != "owner" || rules.keep_owners;
}

std::set<std::string> texts_in(const Value& array) {
  std::set<std::string> texts;
  if (array.is_array()) {
    for (const Value& entry : *array.as_array()) {
      if (const std::string* text = entry.as_text()) texts.insert(*text);
    }
  }
  return texts;
}

bool equal(std::string_view name, const Value& left, const Value& right) {
  return name == "tags" ? texts_in(left) == texts_in(right) : left == right;
}

/// A name as a step of a JSON pointer (RFC 6901, section 4).
std::string pointer(std::string_view name) {
  std::string text = "/";
  for (const char letter : name) {
    if (letter == '~') {
      text += "~0";
    } else if (letter == '/') {
      text += "~1";
    } else {
      text += letter;
    }
  }
  return text;
}

Value operation(std::string_view kind, std::string_view name, const Value* value) {
  Value made = Value::object({{"op", kind}, {"path", pointer(name)}});
  if (value != nullptr) made.set("value", *value);
  return made;
}

std::map<std::string, std::string> statuses(const Value& members) {
  std::map<std::string, std::string> found;
  if (!members.is_array()) return found;
  for (const Value& member : *members.as_array()) {
    found[text_of(member, "member_id")] = text_of(member, "status");
  }
  return found;
}

}  // namespace

std::string_view to_string(Step step) {
  switch (step) {
    case Step::create:
      return "copy";
    case Step::resume:
      return "resume";
    case Step::update:
      return "update";
    case Step::withdraw:
      return "deactivate";
    case Step::same:
      return "same";
    case Step::differs:
      return "differs";
    case Step::not_ready:
      return "not ready";
    case Step::conflict:
      break;
  }
  return "conflict";
}

bool has_data(const Value& image) {
  const std::string status = text_of(image, "status");
  return status == "active" || status == "deactivated";
}

std::uint64_t data_size(const Value& image) {
  const auto size = image.integer("size").value_or(0);
  return has_data(image) && size > 0 ? static_cast<std::uint64_t>(size) : 0;
}

Step decide(const Value& source, const Value* target, const ImportRules& rules) {
  const bool queued = text_of(source, "status") == "queued";
  if (!queued && !has_data(source)) return Step::not_ready;
  if (target == nullptr) return Step::create;
  if (!has_data(*target)) {
    if (!queued) return Step::resume;
  } else if (queued || data_difference(source, *target)) {
    return Step::conflict;
  }
  const bool changed = metadata_changes(source, *target, rules).size() > 0;
  if (rules.update) {
    const bool shared = text_of(source, "visibility") == "shared";
    const bool other_state = text_of(source, "status") != text_of(*target, "status");
    // Members are known only once they are asked for.
    return changed || shared || other_state ? Step::update : Step::same;
  }
  if (text_of(source, "status") == "deactivated" && text_of(*target, "status") == "active") {
    return Step::withdraw;
  }
  return changed ? Step::differs : Step::same;
}

Value new_image(const Value& source, const ImportRules& rules) {
  Value made = Value::object({{"id", text_of(source, "id")}});
  for (const auto attribute : kAttributes) {
    const Value* value = source.find(attribute);
    if (value != nullptr && !value->is_null() && takes(attribute, rules)) {
      made.append(std::string(attribute), *value);
    }
  }
  for (const auto& [name, value] : *source.as_object()) {
    if (is_property(name, value)) made.append(name, value);
  }
  return made;
}

Value metadata_changes(const Value& source, const Value& target, const ImportRules& rules) {
  Value changes = Value::array();
  for (const auto attribute : kAttributes) {
    const Value* wanted = source.find(attribute);
    const Value* present = target.find(attribute);
    if (wanted == nullptr || !takes(attribute, rules)) continue;
    if (among(kOfData, attribute) && has_data(target)) continue;
    // No owner can be taken from an image.
    if (wanted->is_null() && attribute == "owner") continue;
    if (present == nullptr ? wanted->is_null() : equal(attribute, *wanted, *present)) continue;
    changes.push(operation("replace", attribute, wanted));
  }
  for (const auto& [name, value] : *source.as_object()) {
    if (!is_property(name, value)) continue;
    const Value* present = target.find(name);
    if (present == nullptr || !(*present == value)) changes.push(operation("add", name, &value));
  }
  for (const auto& [name, value] : *target.as_object()) {
    const Value* wanted = source.find(name);
    if (is_property(name, value) && (wanted == nullptr || !wanted->is_text())) {
      changes.push(operation("remove", name, nullptr));
    }
  }
  return changes;
}

std::optional<std::string> data_difference(const Value& source, const Value& target) {
  const auto source_size = source.integer("size");
  const auto target_size = target.integer("size");
  if (source_size && target_size && *source_size != *target_size) {
    return "it has " + std::to_string(*target_size) + " bytes there and " +
           std::to_string(*source_size) + " at the source";
  }
  const std::string algorithm = text_of(source, "os_hash_algo");
  const bool same_kind = !algorithm.empty() && algorithm == text_of(target, "os_hash_algo");
  const std::string_view name = same_kind ? "os_hash_value" : "checksum";
  const std::string wanted = text_of(source, name);
  const std::string present = text_of(target, name);
  if (wanted.empty() || present.empty() || equal_ignoring_case(wanted, present)) {
    return std::nullopt;
  }
  return "its " + (same_kind ? algorithm : std::string("MD5")) + " is " + present + " there and " +
         wanted + " at the source";
}

std::vector<MemberChange> member_changes(const Value& source, const Value& target) {
  using Kind = MemberChange::Kind;
  std::vector<MemberChange> changes;
  const auto wanted = statuses(source);
  const auto present = statuses(target);
  for (const auto& [member, status] : wanted) {
    const auto found = present.find(member);
    if (found == present.end()) changes.push_back({Kind::add, member, "pending"});
    if ((found == present.end() ? std::string("pending") : found->second) != status) {
      changes.push_back({Kind::answer, member, status});
    }
  }
  for (const auto& [member, status] : present) {
    if (!wanted.contains(member)) changes.push_back({Kind::remove, member, {}});
  }
  return changes;
}

}  // namespace visor::command
