#include "front/glance/image_document.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "front/glance/words.h"

namespace visor::front::glance {
namespace {

using document::Value;

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }
Value or_null(const std::optional<std::uint64_t>& number) {
  return number ? Value(*number) : Value();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}
std::string joined(const std::set<std::string>& names) {
  return joined(std::vector<std::string>(names.begin(), names.end()));
}

// Clients expect the letter Z and whole seconds.
std::string time_text(Time time) {
  return format_iso_time(std::chrono::floor<std::chrono::seconds>(time));
}

void append_properties(const image::Image& image, Value& document) {
  if (!image.architecture.empty()) document.append(std::string(kArchitecture), image.architecture);
  if (!image.kernel.empty()) document.append(std::string(kKernel), image.kernel);
  if (!image.ramdisk.empty()) document.append(std::string(kRamdisk), image.ramdisk);
  for (const auto& [name, value] : image.extra) {
    // What another protocol calls as this one calls something else can't be shown here.
    if (kind_of(name) != Kind::property || document.find(name) != nullptr) continue;
    document.append(name, value);
  }
}

bool is_served(const image::Image& image) {
  return image.state == image::DataState::present && image.importing != image::Importing::gathering;
}

// What is staged has none yet.
void append_digests(const image::Image& image, Value& document) {
  const auto md5 = image.digests.find(DigestAlgorithm::md5);
  const bool known = is_served(image) && md5 != image.digests.end();
  document.append("checksum", known ? Value(md5->second) : Value());
  const auto algorithm = shown_digest(image);
  document.append("os_hash_algo", algorithm ? Value(to_string(*algorithm)) : Value());
  document.append("os_hash_value", algorithm ? Value(image.digests.at(*algorithm)) : Value());
}

}  // namespace

std::optional<DigestAlgorithm> shown_digest(const image::Image& image) {
  if (!is_served(image)) return std::nullopt;
  for (const auto algorithm :
       {DigestAlgorithm::sha512, DigestAlgorithm::sha256, DigestAlgorithm::sha1}) {
    if (image.digests.contains(algorithm)) return algorithm;
  }
  return std::nullopt;
}

document::Value image_document(const image::Image& image, Whereabouts whereabouts) {
  Value document = Value::object();
  document.append("id", image.id)
      .append("name", or_null(image.name))
      .append("status", status_word(image::phase_of(image)))
      .append("visibility", visibility_word(image.access))
      .append("protected", image.kept)
      .append("os_hidden", image.hidden);
  append_digests(image, document);
  document.append("owner", or_null(image.owner))
      .append("size", or_null(image.size))
      .append("virtual_size", or_null(image.virtual_size))
      .append("container_format", or_null(image.container))
      .append("disk_format", or_null(disk_format_word(image.format)))
      .append("created_at", time_text(image.created_at))
      .append("updated_at", time_text(image.updated_at));
  Value tags = Value::array();
  for (const std::string& tag : image.tags) tags.push(tag);
  document.append("tags", std::move(tags))
      .append("min_disk", image.min_disk)
      .append("min_ram", image.min_ram)
      .append("self", "/v2/images/" + image.id)
      .append("file", "/v2/images/" + image.id + "/file")
      .append("schema", "/v2/schemas/image");
  if (!whereabouts.stores.empty()) document.append("stores", joined(whereabouts.stores));
  if (whereabouts.locations) document.append("locations", std::move(*whereabouts.locations));
  append_properties(image, document);
  if (!image.import.empty()) {
    document.append("os_glance_importing_to_stores", joined(image.awaited_stores));
    document.append("os_glance_failed_import", joined(image.failed_stores));
    if (image.importing != image::Importing::no)
      document.append("os_glance_import_task", image.import);
  }
  return document;
}

std::optional<std::string> property_of(const image::Image& image, std::string_view name) {
  const auto unless_empty = [](const std::string& text) {
    return text.empty() ? std::optional<std::string>() : text;
  };
  if (name == kKernel) return unless_empty(image.kernel);
  if (name == kRamdisk) return unless_empty(image.ramdisk);
  if (name == kArchitecture && !image.architecture.empty()) return image.architecture;
  const auto found = image.extra.find(std::string(name));
  return found == image.extra.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace visor::front::glance
