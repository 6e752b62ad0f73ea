#include "front/glance/image_edits.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "front/glance/image_document.h"
#include "front/glance/words.h"

namespace visor::front::glance {
namespace {

using document::Value;

constexpr std::size_t kLongestText = 255;
constexpr std::int64_t kLargestNeed = INT32_MAX;

std::unexpected<Error> wrong(std::string_view name, std::string_view why) {
  return fail(Code::invalid, "Invalid value for " + std::string(name) + ": " + std::string(why));
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

image::Edit edit_of(std::string_view domain_name, std::string value) {
  return {.name = std::string(domain_name), .value = std::move(value), .lenient = true};
}

Result<std::string> read_text(std::string_view name, const Value& value) {
  if (value.is_null()) return std::string();
  const std::string* text = value.as_text();
  if (text == nullptr) return wrong(name, "it is a text");
  if (characters(*text) > kLongestText) return wrong(name, "it has at most 255 characters");
  return *text;
}

Result<image::Edit> read_tags(const Value& value) {
  if (!value.is_array()) return wrong("tags", "it is a list of texts");
  std::vector<std::string> tags;
  for (const Value& entry : *value.as_array()) {
    const std::string* tag = entry.as_text();
    if (tag == nullptr) return wrong("tags", "each is a text");
    if (characters(*tag) > kLongestText) return wrong("tags", "each has at most 255 characters");
    tags.push_back(*tag);
  }
  return image::Edit{.name = "tags", .lenient = true, .values = std::move(tags)};
}

Result<image::Edit> read_need(std::string_view name, const Value& value) {
  const auto number = value.as_integer();
  if (!number || *number < 0 || *number > kLargestNeed) {
    return wrong(name, "it is a whole number from 0 to 2147483647");
  }
  return edit_of(name, std::to_string(*number));
}

Result<image::Edit> read_flag(std::string_view name, std::string_view domain, const Value& value) {
  const auto flag = value.as_boolean();
  if (!flag) return wrong(name, "it is true or false");
  return edit_of(domain, *flag ? "true" : "false");
}

Result<image::Edit> read_format(std::string_view name, std::string_view domain,
                                const Value& value) {
  auto word = read_text(name, value);
  if (!word) return pass(word);
  const std::string format = name == "disk_format" ? parse_disk_format(*word) : *word;
  const auto known = name == "disk_format" ? image::formats() : image::containers();
  const bool fits = format.empty()
                        ? value.is_null()
                        : std::ranges::find(known, format) != known.end() && *word != "parallels";
  if (!fits) return wrong(name, "'" + word->substr(0, 60) + "' is not one that is known here");
  return edit_of(domain, format);
}

/// The edit for an attribute of the image itself.
Result<image::Edit> read_attribute(std::string_view name, const Value& value) {
  const std::string_view domain = *domain_name(name);
  if (name == "tags") return read_tags(value);
  if (name == "min_disk" || name == "min_ram") return read_need(name, value);
  if (name == "protected" || name == "os_hidden") return read_flag(name, domain, value);
  if (name == "disk_format" || name == "container_format") return read_format(name, domain, value);
  auto text = read_text(name, value);
  if (!text) return pass(text);
  if (name != "visibility") return edit_of(domain, std::move(*text));
  const auto access = parse_visibility(*text);
  if (!access) return wrong(name, "it is public, private, shared or community");
  return edit_of(domain, std::string(to_string(*access)));
}

bool is_known_architecture(std::string_view text) {
  const auto known = image::architectures();
  return std::ranges::find(known, text) != known.end();
}

image::Edit removed(std::string_view name) {
  return {.name = std::string(name),
          .value = {},
          .extra = true,
          .lenient = true,
          .values = {},
          .undefine = true};
}

/// The edits that give a property a value, or take it away.
Result<image::Edits> read_property(std::string_view name, const Value* value) {
  if (characters(name) > kLongestText) {
    return fail(Code::invalid, "a property's name has at most 255 characters");
  }
  const bool link = name == kKernel || name == kRamdisk;
  const std::string* text = value == nullptr ? nullptr : value->as_text();
  if (value != nullptr && text == nullptr && !(link && value->is_null())) {
    return wrong(name, "a property is a text");
  }
  if (link) {
    if (text != nullptr && !is_uuid(to_lower(*text))) return wrong(name, "it is an image's id");
    return image::Edits{edit_of(*domain_name(name), text == nullptr ? "" : to_lower(*text))};
  }
  image::Edits edits;
  if (name == kArchitecture) {
    // The domain's own attribute takes the names that all protocols know; others are free text.
    const bool known = text != nullptr && is_known_architecture(*text);
    edits.push_back(edit_of(kArchitecture, known ? *text : ""));
    if (known || text == nullptr) {
      edits.push_back(removed(name));
      return edits;
    }
  }
  if (text == nullptr) {
    edits.push_back(removed(name));
  } else {
    image::Edit edit = edit_of(name, *text);
    edit.extra = true;
    edits.push_back(std::move(edit));
  }
  return edits;
}

std::unexpected<Error> not_yours(std::string_view name) {
  const bool reserved = kind_of(name) == Kind::reserved;
  return fail(Code::forbidden, "Attribute '" + std::string(name.substr(0, 100)) + "' is " +
                                   (reserved ? "reserved." : "read-only."));
}

std::unexpected<Error> too_many_properties() {
  return fail(Code::too_large, "an image takes at most " +
                                   std::to_string(image::kMaxExtraAttributes) + " properties");
}

/// A patch under way: what the image would have, by the API's names.
class Changes {
 public:
  Changes(const image::Image& image, bool old_form) : image_(image), old_form_(old_form) {}

  Result<void> apply(const Operation& operation) {
    const std::string& name = operation.path.front();
    if (name == "locations") {
      return fail(Code::forbidden,
                  "an image's locations can't be changed this way; add them with "
                  "POST /v2/images/" +
                      image_.id + "/locations");
    }
    const Kind kind = kind_of(name);
    if (kind == Kind::read_only || kind == Kind::reserved) return not_yours(name);
    if (operation.path.size() > 1) {
      return fail(Code::invalid, "the attribute " + name + " is changed as a whole");
    }
    return kind == Kind::settable ? apply_to_attribute(operation, name)
                                  : apply_to_property(operation, name);
  }

  Result<image::Edits> edits() {
    image::Edits all;
    for (auto& [name, edit] : attributes_) all.push_back(std::move(edit));
    std::size_t properties = image_.extra.size();
    for (const auto& [name, value] : properties_) {
      if (value && !property_of(image_, name)) ++properties;
      auto edits = read_property(name, value ? &*value : nullptr);
      if (!edits) return pass(edits);
      for (image::Edit& edit : *edits) all.push_back(std::move(edit));
    }
    if (properties > image::kMaxExtraAttributes) return too_many_properties();
    return all;
  }

 private:
  Result<void> apply_to_attribute(const Operation& operation, const std::string& name) {
    if (operation.kind == Operation::Kind::remove) {
      return fail(Code::forbidden, "Property '" + name + "' can not be removed.");
    }
    if (operation.kind == Operation::Kind::add && old_form_) {
      return fail(Code::conflict, "Property " + name + " already present.");
    }
    const bool of_data = name == "disk_format" || name == "container_format";
    const image::Phase phase = image::phase_of(image_);
    if (of_data && phase != image::Phase::pending && phase != image::Phase::importing) {
      return fail(Code::forbidden, "Attribute " + name +
                                       " can be changed only while the image "
                                       "has no data.");
    }
    auto edit = read_attribute(name, operation.value);
    if (!edit) return pass(edit);
    attributes_.insert_or_assign(name, std::move(*edit));
    return {};
  }

  Result<void> apply_to_property(const Operation& operation, const std::string& name) {
    const auto changed = properties_.find(name);
    const bool there = changed != properties_.end() ? changed->second.has_value()
                                                    : property_of(image_, name).has_value();
    if (operation.kind == Operation::Kind::add && old_form_ && there) {
      return fail(Code::conflict, "Property " + name + " already present.");
    }
    if (operation.kind != Operation::Kind::add && !there) {
      return fail(Code::conflict, "Property " + name + " does not exist.");
    }
    if (operation.kind == Operation::Kind::remove) {
      properties_[name] = std::nullopt;
    } else {
      properties_[name] = operation.value;
    }
    return {};
  }

  const image::Image& image_;
  const bool old_form_;
  std::map<std::string, image::Edit> attributes_;
  std::map<std::string, std::optional<Value>> properties_;
};

}  // namespace

Result<image::Edits> read_attributes(const document::Value& body) {
  image::Edits all;
  std::size_t properties = 0;
  for (const document::Member& member : *body.as_object()) {
    const std::string& name = member.name;
    if (name == "id") continue;
    const Kind kind = kind_of(name);
    if (kind == Kind::read_only || kind == Kind::reserved) return not_yours(name);
    if (kind == Kind::settable) {
      auto edit = read_attribute(name, member.value);
      if (!edit) return pass(edit);
      all.push_back(std::move(*edit));
      continue;
    }
    auto edits = read_property(name, &member.value);
    if (!edits) return pass(edits);
    for (image::Edit& edit : *edits) all.push_back(std::move(edit));
    if (++properties > image::kMaxExtraAttributes) return too_many_properties();
  }
  return all;
}

Result<NewImage> read_new_image(const document::Value& body) {
  if (!body.is_object()) return fail(Code::invalid, "the request's body is an object");
  NewImage made;
  if (const Value* const id = body.find("id")) {
    const std::string* const text = id->as_text();
    if (text == nullptr || !is_uuid(to_lower(*text))) return wrong("id", "it is a UUID");
    made.id = to_lower(*text);
  }
  auto edits = read_attributes(body);
  if (!edits) return pass(edits);
  made.edits.push_back(edit_of("access", std::string(to_string(image::Access::members))));
  for (image::Edit& edit : *edits) made.edits.push_back(std::move(edit));
  return made;
}

Result<image::Edits> read_changes(const image::Image& image,
                                  const std::vector<Operation>& operations, bool old_form) {
  Changes changes(image, old_form);
  for (const Operation& operation : operations) {
    if (auto applied = changes.apply(operation); !applied) return pass(applied);
  }
  return changes.edits();
}

}  // namespace visor::front::glance
