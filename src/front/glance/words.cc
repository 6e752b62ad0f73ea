#include "front/glance/words.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/name_table.h"

namespace visor::front::glance {
namespace {

constexpr NameTable<image::Phase, 6> kStatuses{{{image::Phase::available, "active"},
                                                {image::Phase::held, "deactivated"},
                                                {image::Phase::importing, "importing"},
                                                {image::Phase::pending, "queued"},
                                                {image::Phase::receiving, "saving"},
                                                {image::Phase::staged, "uploading"}}};

constexpr NameTable<image::Access, 4> kVisibilities{{{image::Access::everyone, "public"},
                                                     {image::Access::owner, "private"},
                                                     {image::Access::members, "shared"},
                                                     {image::Access::community, "community"}}};

constexpr std::string_view kOwnFormat = "parallels";
constexpr std::string_view kFormatWord = "ploop";

struct Word {
  std::string_view api;
  std::string_view domain;
  Kind kind = Kind::settable;
};

constexpr std::array kWords = {
    Word{"name", "name"},
    Word{"visibility", "access"},
    Word{"disk_format", "format"},
    Word{"container_format", "container"},
    Word{"protected", "kept"},
    Word{"os_hidden", "hidden"},
    Word{"min_disk", "min_disk"},
    Word{"min_ram", "min_ram"},
    Word{"tags", "tags"},
    Word{"owner", "owner"},
    Word{"id", "id", Kind::read_only},
    Word{"status", "phase", Kind::read_only},
    Word{"size", "size", Kind::read_only},
    Word{"virtual_size", "virtual_size", Kind::read_only},
    Word{"checksum", "md5", Kind::read_only},
    Word{"os_hash_value", "sha512", Kind::read_only},
    Word{"os_hash_algo", "", Kind::read_only},
    Word{"created_at", "created_at", Kind::read_only},
    Word{"updated_at", "updated_at", Kind::read_only},
    Word{"direct_url", "", Kind::read_only},
    Word{"self", "", Kind::read_only},
    Word{"file", "", Kind::read_only},
    Word{"schema", "", Kind::read_only},
    Word{"stores", "", Kind::read_only},
    Word{"locations", "", Kind::read_only},
    Word{"location", "", Kind::reserved},
    Word{"deleted", "", Kind::reserved},
    Word{"deleted_at", "", Kind::reserved},
};

constexpr std::string_view kReservedPrefix = "os_glance";

const Word* find(std::string_view word) {
  const auto* const found = std::ranges::find(kWords, word, &Word::api);
  return found == kWords.end() ? nullptr : found;
}

}  // namespace

std::string_view status_word(image::Phase phase) { return name_in(kStatuses, phase); }
std::optional<image::Phase> parse_status(std::string_view word) {
  return value_in(kStatuses, word);
}

std::string_view visibility_word(image::Access access) { return name_in(kVisibilities, access); }
std::optional<image::Access> parse_visibility(std::string_view word) {
  return value_in(kVisibilities, word);
}

std::string disk_format_word(std::string_view format) {
  return std::string(format == kOwnFormat ? kFormatWord : format);
}
std::string parse_disk_format(std::string_view word) {
  return std::string(word == kFormatWord ? kOwnFormat : word);
}

std::optional<std::string_view> domain_name(std::string_view word) {
  if (word == kKernel) return "kernel";
  if (word == kRamdisk) return "ramdisk";
  const Word* const found = find(word);
  if (found == nullptr) return std::nullopt;
  return found->domain;
}

Kind kind_of(std::string_view word) {
  if (word.starts_with(kReservedPrefix)) return Kind::reserved;
  const Word* const found = find(word);
  return found == nullptr ? Kind::property : found->kind;
}

}  // namespace visor::front::glance
