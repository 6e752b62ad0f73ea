#include "catalogue/sqlite/fact_codec.h"

#include <optional>

namespace visor::catalogue::sqlite {

namespace {

constexpr unsigned kGroupBits = 7;
constexpr std::uint64_t kMore = 1u << kGroupBits;

// Seven bits a byte, the low ones first; the top bit says that more follow.
void append_number(std::string& bytes, std::uint64_t number) {
  for (; number >= kMore; number >>= kGroupBits) {
    bytes += static_cast<char>((number & (kMore - 1)) | kMore);
  }
  bytes += static_cast<char>(number);
}

std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 63; shift += kGroupBits) {
    if (bytes.empty()) return std::nullopt;
    const auto group = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    number |= (group & (kMore - 1)) << shift;
    if ((group & kMore) == 0) return number;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_facts(const std::vector<FactView>& facts) {
  std::string bytes;
  for (const FactView& fact : facts) {
    append_number(bytes, static_cast<std::uint64_t>(fact.name));
    append_number(bytes, fact.value.size());
    bytes += fact.value;
  }
  return bytes;
}

bool decode_facts(std::string_view bytes, std::vector<FactView>& facts) {
  facts.clear();
  while (!bytes.empty()) {
    const auto name = take_number(bytes);
    const auto size = take_number(bytes);
    if (!name || !size || *size > bytes.size()) return false;
    facts.push_back({static_cast<std::int64_t>(*name), bytes.substr(0, *size)});
    bytes.remove_prefix(*size);
  }
  return true;
}

}  // namespace visor::catalogue::sqlite
