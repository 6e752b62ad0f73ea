#include "store/http/pin.h"

#include <string_view>

namespace visor::store {
namespace {

constexpr std::string_view kEntityTag = "etag:";
constexpr std::string_view kModified = "modified:";
constexpr std::string_view kWeak = "weak:";
constexpr std::string_view kSize = "size:";
constexpr std::size_t kLongestValidator = 1024;

/// A field that is fit to be kept and sent back: not empty, of a sane length, visible ASCII and
/// blanks.
std::string_view validator(const fetch::ResponseHead& head, std::string_view name) {
  const auto value = head.field(name).value_or("");
  if (value.size() > kLongestValidator) return {};
  for (const char c : value) {
    if (c < 0x20 || c > 0x7e) return {};
  }
  return value;
}

bool is_strong(std::string_view tag) {
  return tag.size() >= 2 && tag.front() == '"' && tag.back() == '"';
}

}  // namespace

std::string version_of(const fetch::ResponseHead& head, std::optional<std::uint64_t> size) {
  const auto tag = validator(head, "etag");
  if (is_strong(tag)) return std::string(kEntityTag) + std::string(tag);
  const auto modified = validator(head, "last-modified");
  if (!modified.empty()) return std::string(kModified) + std::string(modified);
  if (tag.starts_with("W/")) return std::string(kWeak) + std::string(tag);
  if (size) return std::string(kSize) + std::to_string(*size);
  return {};
}

std::string plain_entity_tag(const fetch::ResponseHead& head) {
  auto tag = validator(head, "etag");
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return std::string(is_strong(tag) ? tag.substr(1, tag.size() - 2) : std::string_view());
}

fetch::Conditions conditions_for(const std::string& version) {
  fetch::Conditions conditions;
  if (version.starts_with(kEntityTag)) conditions.if_match = version.substr(kEntityTag.size());
  if (version.starts_with(kModified)) {
    conditions.if_unmodified_since = version.substr(kModified.size());
  }
  return conditions;
}

Result<void> check_version(const std::string& version, const fetch::ResponseHead& head,
                           std::optional<std::uint64_t> size) {
  bool same = version.empty();
  if (version.starts_with(kEntityTag)) {
    same = validator(head, "etag") == std::string_view(version).substr(kEntityTag.size());
  } else if (version.starts_with(kModified)) {
    same = validator(head, "last-modified") == std::string_view(version).substr(kModified.size());
  } else if (version.starts_with(kWeak)) {
    same = validator(head, "etag") == std::string_view(version).substr(kWeak.size());
  } else if (version.starts_with(kSize)) {
    same = size && version == std::string(kSize) + std::to_string(*size);
  }
  if (same) return {};
  return fail(Code::precondition, "the remote data has changed since it was registered",
              "http expected=" + version + " found=" + version_of(head, size));
}

}  // namespace visor::store
