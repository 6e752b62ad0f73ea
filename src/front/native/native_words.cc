#include "front/native/native_words.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "image/attributes.h"

namespace visor::front::native {
namespace {

struct Word {
  std::string_view native;
  std::string_view domain;  ///< empty: no attribute of the record
  bool settable;
  bool brief;
  bool number = false;
};

constexpr std::array kWords = {
    Word{"_id", "id", false, true},
    Word{"uri", "", false, false},
    Word{"name", "name", true, true},
    Word{"architecture", "architecture", true, true},
    Word{"access", "access", true, false},
    Word{"status", "state", false, false},
    Word{"type", "type", true, true},
    Word{"format", "format", true, true},
    Word{"store", "store", true, true},
    Word{"location", "location", true, false},
    Word{"kernel", "kernel", true, false},
    Word{"ramdisk", "ramdisk", true, false},
    Word{"owner", "owner", false, false},
    Word{"size", "size", false, true, true},
    Word{"checksum", "md5", false, false},
    Word{"sha1", "sha1", false, false},
    Word{"sha256", "sha256", false, false},
    Word{"sha512", "sha512", false, false},
    Word{"created_at", "created_at", false, false},
    Word{"updated_at", "updated_at", false, false},
    Word{"uploaded_at", "uploaded_at", false, false},
    Word{"accessed_at", "", false, false},
    Word{"access_count", "", false, false, true},
};

constexpr std::array kStatusWords = {
    std::pair{image::DataState::none, std::string_view("locked")},
    std::pair{image::DataState::uploading, std::string_view("uploading")},
    // Data that another protocol keeps aside is on its way, as far as this one can tell.
    std::pair{image::DataState::staged, std::string_view("uploading")},
    std::pair{image::DataState::present, std::string_view("available")},
    std::pair{image::DataState::error, std::string_view("error")},
};

constexpr std::array kAccessWords = {
    std::pair{image::Access::everyone, std::string_view("public")},
    std::pair{image::Access::owner, std::string_view("private")},
    // Made by other protocols, which know more kinds of access.
    std::pair{image::Access::members, std::string_view("shared")},
    std::pair{image::Access::community, std::string_view("community")},
};

const Word* find_word(std::string_view name) {
  const auto* const word = std::ranges::find(kWords, name, &Word::native);
  return word == kWords.end() ? nullptr : word;
}

std::string image_uri(std::string_view address, std::string_view id) {
  return std::string(address) + "/images/" + std::string(id);
}

std::string reads_text(std::string_view name, const image::Reads& reads) {
  if (name == "access_count") return std::to_string(reads.count);
  return reads.last ? format_visor_time(*reads.last) : "";
}

std::string native_text(const Word& word, const image::Image& image, std::string_view address,
                        const image::Reads& reads) {
  if (word.native == "uri") return image_uri(address, image.id);
  if (word.native == "status") return std::string(status_word(image.state));
  if (word.native == "access") return std::string(access_word(image.access));
  if (word.domain.empty()) return reads_text(word.native, reads);
  return image::core_text(image, word.domain);
}

bool is_shown(const Word& word, Shown shown) {
  if (shown == Shown::brief) return word.brief;
  if (word.native == "accessed_at" || word.native == "access_count") return shown == Shown::single;
  return true;
}

/// Names what is kept out of the record, and so is unknown to the catalogue.
std::unexpected<Error> not_in_record(std::string_view name) {
  return fail(Code::invalid, "the catalogue can't find or sort images by " + std::string(name) +
                                 ": it is kept apart from what is searched");
}

/// Times are equal if they name the same moment, in whatever zone they are written.
std::string time_text(std::string_view value) {
  std::string text(value);
  // A '+' that was put into a query without being encoded arrives as a blank.
  if (text.size() > 5 && text[text.size() - 5] == ' ') text[text.size() - 5] = '+';
  std::optional<Time> time = parse_visor_time(text);
  if (!time) time = parse_iso_time(value);
  return time ? format_visor_time(*time) : std::string(value);
}

/// The stored text for a native value. Empty for a word that the attribute never has: these
/// attributes are always defined, so nothing is found.
std::string domain_value(const Word& word, std::string_view value, std::string_view address) {
  if (word.native == "status") {
    const auto* const known =
        std::ranges::find(kStatusWords, value, [](const auto& pair) { return pair.second; });
    return known == kStatusWords.end() ? "" : std::string(image::to_string(known->first));
  }
  if (word.native == "access") {
    const auto* const known =
        std::ranges::find(kAccessWords, value, [](const auto& pair) { return pair.second; });
    return known == kAccessWords.end() ? "" : std::string(image::to_string(known->first));
  }
  if (word.native == "uri") {
    const std::string start = image_uri(address, "");
    return value.starts_with(start) ? std::string(value.substr(start.size())) : "";
  }
  if (word.native.ends_with("_at")) return time_text(value);
  return std::string(value);
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) {
    return fail(Code::invalid, "a query parameter has no name; write attribute=value");
  }
  if (name.size() > image::kMaxAttributeName) {
    return fail(Code::invalid, "a query parameter names an attribute of more than " +
                                   std::to_string(image::kMaxAttributeName) + " bytes");
  }
  return {};
}

}  // namespace

std::string_view status_word(image::DataState state) {
  return std::ranges::find(kStatusWords, state, [](const auto& pair) { return pair.first; })
      ->second;
}

std::string_view access_word(image::Access access) {
  return std::ranges::find(kAccessWords, access, [](const auto& pair) { return pair.first; })
      ->second;
}

std::string normal_name(std::string_view name) {
  std::string normal = to_lower(name);
  std::ranges::replace(normal, '-', '_');
  return normal;
}

bool is_native_attribute(std::string_view name) { return find_word(name) != nullptr; }

std::vector<NativeAttribute> native_attributes(const image::Image& image, Shown shown,
                                               std::string_view address,
                                               const image::Reads& reads) {
  std::vector<NativeAttribute> attributes;
  for (const Word& word : kWords) {
    if (!is_shown(word, shown)) continue;
    std::string text = native_text(word, image, address, reads);
    if (text.empty()) continue;
    attributes.push_back({std::string(word.native), std::move(text), word.number});
  }
  if (shown == Shown::brief) return attributes;
  for (const auto& [name, value] : image.extra) {
    // Another protocol may allow a free attribute of this name; here the name means the API's own.
    if (value.empty() || is_native_attribute(name)) continue;
    attributes.push_back({name, value, false});
  }
  return attributes;
}

std::optional<ReadsFilter> reads_filter(std::string_view name, std::string_view value) {
  const std::string normal = normal_name(name);
  const Word* word = find_word(normal);
  if (word == nullptr || !word->domain.empty() || word->native == "uri") return std::nullopt;
  return ReadsFilter{normal, word->number ? std::string(value) : time_text(value)};
}

bool fits(const ReadsFilter& filter, const image::Reads& reads) {
  const std::string text = reads_text(filter.name, reads);
  return !text.empty() && text == filter.value;
}

Result<image::Filter> native_filter(std::string_view name, std::string_view value,
                                    std::string_view address) {
  if (const Result<void> named = check_name(name); !named) {
    return std::unexpected(named.error());
  }
  const std::string normal = normal_name(name);
  const Word* word = find_word(normal);
  if (word == nullptr) return image::Filter{{normal, true}, std::string(value)};
  if (word->native == "uri")
    return image::Filter{{"id", false}, domain_value(*word, value, address)};
  if (word->domain.empty()) return not_in_record(normal);
  return image::Filter{{std::string(word->domain), false}, domain_value(*word, value, address)};
}

Result<image::Edit> native_edit(std::string_view name, std::string value) {
  const std::string normal = normal_name(name);
  if (const Word* word = find_word(normal); word != nullptr && !word->settable) {
    return fail(Code::invalid, "the attribute " + normal + " is set by the server; leave it out");
  }
  if (normal == "access" && !value.empty()) {
    const auto* const known =
        std::ranges::find(kAccessWords, value, [](const auto& pair) { return pair.second; });
    if (known == kAccessWords.end()) {
      return fail(Code::invalid, "the attribute access takes public or private, nothing else");
    }
    value = image::to_string(known->first);
  }
  return image::Edit{normal, std::move(value), find_word(normal) == nullptr};
}

Result<image::AttributeName> native_sort(std::string_view name) {
  if (const Result<void> named = check_name(name); !named) {
    return std::unexpected(named.error());
  }
  const std::string normal = normal_name(name);
  const Word* word = find_word(normal);
  if (word == nullptr) return image::AttributeName{normal, true};
  // All URIs differ in their ids alone.
  if (word->native == "uri") return image::AttributeName{"id", false};
  if (word->domain.empty()) return not_in_record(normal);
  return image::AttributeName{std::string(word->domain), false};
}

}  // namespace visor::front::native
