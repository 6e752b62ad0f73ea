#include "image/attributes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "base/encoding.h"

namespace visor::image {
namespace {

constexpr std::array<std::string_view, 12> kArchitectures = {
    "i386",  "x86_64",  "aarch64", "armv7l", "armv6l",      "ppc64le",
    "ppc64", "riscv64", "s390x",   "mips64", "loongarch64", "sparc64"};
constexpr std::array<std::string_view, 3> kTypes = {"machine", "kernel", "ramdisk"};
constexpr std::array<std::string_view, 14> kFormats = {"iso", "vhd",       "vdi",  "vmdk",  "ami",
                                                       "aki", "ari",       "raw",  "qcow2", "vhdx",
                                                       "ova", "parallels", "luks", "gce"};
constexpr std::array<std::string_view, 8> kContainers = {"ami", "ari", "aki",    "bare",
                                                         "ovf", "ova", "docker", "compressed"};

constexpr std::array<std::string_view, 15> kSettable = {
    "name",    "architecture", "access", "type",   "format",   "container", "store", "kernel",
    "ramdisk", "tags",         "kept",   "hidden", "min_disk", "min_ram",   "owner"};
constexpr std::array<std::string_view, 14> kServerMade = {
    "id",  "state", "lifecycle", "phase",  "location",   "size",       "virtual_size",
    "md5", "sha1",  "sha256",    "sha512", "created_at", "updated_at", "uploaded_at"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const auto name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

std::string shown(std::string_view value) {
  std::string text(value.substr(0, 60));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + text + (value.size() > 60 ? "…'" : "'");
}

std::unexpected<Error> not_one_of(std::string_view attribute, std::string_view value,
                                  std::span<const std::string_view> allowed) {
  return fail(Code::invalid, std::string(attribute) + " can't be " + shown(value) +
                                 "; it takes one of: " + joined(allowed));
}

Result<void> set_tags(const Edit& edit, Image& image) {
  std::set<std::string> tags(edit.values.begin(), edit.values.end());
  if (tags.size() > kMaxTags) {
    return fail(Code::too_large, "an image takes at most " + std::to_string(kMaxTags) + " tags");
  }
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kMaxTag) {
      return fail(Code::invalid, "a tag has 1 to " + std::to_string(kMaxTag) + " bytes");
    }
  }
  image.tags = std::move(tags);
  return {};
}

Result<void> set_flag(const Edit& edit, bool& flag) {
  if (edit.value != "true" && edit.value != "false") {
    return fail(Code::invalid, edit.name + " takes true or false, not " + shown(edit.value));
  }
  flag = edit.value == "true";
  return {};
}

Result<void> set_need(const Edit& edit, std::uint64_t& need) {
  // What machines have fits by far; a signed number of 32 bits is what some clients keep it in.
  constexpr std::uint64_t kMost = INT32_MAX;
  std::uint64_t number = 0;
  const char* const end = edit.value.data() + edit.value.size();
  const auto [stopped, error] = std::from_chars(edit.value.data(), end, number);
  if (error != std::errc() || stopped != end || number > kMost) {
    return fail(Code::invalid, edit.name + " takes a whole number from 0 to " +
                                   std::to_string(kMost) + ", not " + shown(edit.value));
  }
  need = number;
  return {};
}

Result<void> set_core(const Edit& edit, Image& image) {
  const std::string& value = edit.value;
  if (!edit.lenient && (edit.name == "name" || edit.name == "architecture")) {
    if (value.empty()) return fail(Code::invalid, edit.name + " is mandatory and can't be empty");
  }
  if (edit.name == "tags") return set_tags(edit, image);
  if (edit.name == "kept") return set_flag(edit, image.kept);
  if (edit.name == "hidden") return set_flag(edit, image.hidden);
  if (edit.name == "min_disk") return set_need(edit, image.min_disk);
  if (edit.name == "min_ram") return set_need(edit, image.min_ram);
  if (edit.name == "name") {
    image.name = value;
  } else if (edit.name == "architecture") {
    if (!value.empty() && !contains(kArchitectures, value))
      return not_one_of(edit.name, value, kArchitectures);
    image.architecture = value;
  } else if (edit.name == "access") {
    const auto access = value.empty() ? Access::everyone : parse_access(value);
    if (!access) return fail(Code::invalid, "access can't be " + shown(value));
    image.access = *access;
  } else if (edit.name == "type") {
    if (!value.empty() && !contains(kTypes, value)) return not_one_of(edit.name, value, kTypes);
    image.type = value;
  } else if (edit.name == "format") {
    if (!value.empty() && !contains(kFormats, value)) return not_one_of(edit.name, value, kFormats);
    image.format = value;
  } else if (edit.name == "container") {
    if (!value.empty() && !contains(kContainers, value))
      return not_one_of(edit.name, value, kContainers);
    image.container = value;
  } else if (edit.name == "owner") {
    if (value.empty()) return fail(Code::invalid, "an image has an owner; owner can't be empty");
    image.owner = value;
  } else if (edit.name == "store") {
    image.store = value;
  } else if (edit.name == "kernel") {
    image.kernel = value;
  } else if (edit.name == "ramdisk") {
    image.ramdisk = value;
  } else {
    return fail(Code::invalid, edit.name + " is set by the server and can't be changed");
  }
  return {};
}

Result<void> set_extra(const Edit& edit, Image& image) {
  if (edit.lenient ? edit.undefine : edit.value.empty()) {
    image.extra.erase(edit.name);
    return {};
  }
  if (edit.name.empty() || edit.name.size() > kMaxAttributeName) {
    return fail(Code::invalid, "an attribute's name has 1 to " + std::to_string(kMaxAttributeName) +
                                   " characters");
  }
  image.extra[edit.name] = edit.value;
  if (image.extra.size() > kMaxExtraAttributes) {
    return fail(Code::invalid, "an image takes at most " + std::to_string(kMaxExtraAttributes) +
                                   " attributes of your own");
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : image.extra) bytes += name.size() + value.size();
  if (bytes > kMaxExtraBytes) {
    return fail(Code::invalid, "the attributes of your own that an image takes come to at most " +
                                   std::to_string(kMaxExtraBytes) + " bytes together");
  }
  return {};
}

Result<void> check_text(const Edit& edit) {
  if (!valid_utf8(edit.name) || !valid_utf8(edit.value)) {
    return fail(Code::invalid, "the attribute " + shown(valid_utf8(edit.name) ? edit.name : "?") +
                                   " is not valid UTF-8");
  }
  if (edit.value.size() > kMaxAttributeValue) {
    return fail(Code::invalid, "the value of " + shown(edit.name) + " is longer than " +
                                   std::to_string(kMaxAttributeValue) + " bytes");
  }
  for (const std::string& value : edit.values) {
    if (!valid_utf8(value) || value.find('\0') != std::string::npos) {
      return fail(Code::invalid, "a value of " + shown(edit.name) + " is not valid UTF-8 text");
    }
  }
  if (edit.value.find('\0') != std::string::npos || edit.name.find('\0') != std::string::npos) {
    return fail(Code::invalid, "the attribute " + shown(edit.name) + " holds a NUL character");
  }
  return {};
}

}  // namespace

bool is_core_attribute(std::string_view name) {
  return contains(kSettable, name) || contains(kServerMade, name);
}

bool is_settable(std::string_view name) { return contains(kSettable, name); }

Result<void> apply_edits(std::span<const Edit> edits, Image& image) {
  Image changed = image;
  for (const Edit& edit : edits) {
    if (auto checked = check_text(edit); !checked) return pass(checked);
    if (auto set = edit.extra ? set_extra(edit, changed) : set_core(edit, changed); !set)
      return pass(set);
  }
  image = std::move(changed);
  return {};
}

Result<void> check_complete(const Image& image) {
  for (const auto& [name, value] :
       {std::pair{"name", &image.name}, std::pair{"architecture", &image.architecture}}) {
    if (value->empty())
      return fail(Code::invalid, std::string("the mandatory attribute ") + name + " is missing");
  }
  return {};
}

std::span<const std::string_view> architectures() { return kArchitectures; }
std::span<const std::string_view> types() { return kTypes; }
std::span<const std::string_view> formats() { return kFormats; }
std::span<const std::string_view> containers() { return kContainers; }

bool is_kernel(const Image& image) { return image.type == "kernel" || image.format == "aki"; }
bool is_ramdisk(const Image& image) { return image.type == "ramdisk" || image.format == "ari"; }

std::string core_text(const Image& image, std::string_view name) {
  const auto number_text = [](std::uint64_t need) {
    return need == 0 ? std::string() : std::to_string(need);
  };
  if (name == "id") return image.id;
  if (name == "owner") return image.owner;
  if (name == "name") return image.name;
  if (name == "architecture") return image.architecture;
  if (name == "access") return std::string(to_string(image.access));
  if (name == "type") return image.type;
  if (name == "format") return image.format;
  if (name == "container") return image.container;
  if (name == "kept") return image.kept ? "true" : std::string();
  if (name == "hidden") return image.hidden ? "true" : std::string();
  if (name == "min_disk") return number_text(image.min_disk);
  if (name == "min_ram") return number_text(image.min_ram);
  if (name == "phase") return std::string(to_string(phase_of(image)));
  if (name == "virtual_size")
    return image.virtual_size ? std::to_string(*image.virtual_size) : std::string();
  if (name == "store") return image.store;
  if (name == "kernel") return image.kernel;
  if (name == "ramdisk") return image.ramdisk;
  if (name == "state") return std::string(to_string(image.state));
  if (name == "lifecycle") return std::string(to_string(image.lifecycle));
  if (name == "location") return image.location;
  if (name == "size") return image.size ? std::to_string(*image.size) : std::string();
  if (name == "created_at") return format_visor_time(image.created_at);
  if (name == "updated_at") return format_visor_time(image.updated_at);
  if (name == "uploaded_at")
    return image.uploaded_at ? format_visor_time(*image.uploaded_at) : std::string();
  if (const auto algorithm = parse_digest_algorithm(name)) {
    const auto found = image.digests.find(*algorithm);
    if (found != image.digests.end()) return found->second;
    if (*algorithm == DigestAlgorithm::md5 && image.referred) return image.entity_tag;
  }
  return {};
}

}  // namespace visor::image
