#include "front/glance/words.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace visor::front::glance {
namespace {

constexpr std::array kStatuses = {
    std::pair{image::Phase::available, std::string_view("active")},
    std::pair{image::Phase::held, std::string_view("deactivated")},
    std::pair{image::Phase::importing, std::string_view("importing")},
    std::pair{image::Phase::pending, std::string_view("queued")},
    std::pair{image::Phase::receiving, std::string_view("saving")},
    std::pair{image::Phase::staged, std::string_view("uploading")},
};

constexpr std::array kVisibilities = {
    std::pair{image::Access::everyone, std::string_view("public")},
    std::pair{image::Access::owner, std::string_view("private")},
    std::pair{image::Access::members, std::string_view("shared")},
    std::pair{image::Access::community, std::string_view("community")},
};

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

template <class Table, class Value>
std::string_view word_of(const Table& table, Value value) {
  for (const auto& [candidate, word] : table) {
    if (candidate == value) return word;
  }
  return {};
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& table,
                              std::string_view text) {
  for (const auto& [value, word] : table) {
    if (word == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view status_word(image::Phase phase) { return word_of(kStatuses, phase); }
std::optional<image::Phase> parse_status(std::string_view word) {
  return value_of(kStatuses, word);
}

std::string_view visibility_word(image::Access access) { return word_of(kVisibilities, access); }
std::optional<image::Access> parse_visibility(std::string_view word) {
  return value_of(kVisibilities, word);
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
