// Facts as bytes: what a row of `records` carries so that a record's facts are at hand without a
// search.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor::catalogue::sqlite {

/// A fact by the number of its name; the value points elsewhere.
struct FactView {
  std::int64_t name = 0;
  std::string_view value;
  auto operator<=>(const FactView&) const = default;
};

/// docs/formats/catalogue.md, "Facts in a record": order and repetitions are kept. Numbers are not
/// negative.
std::string encode_facts(const std::vector<FactView>& facts);

/// Replaces `facts` with those in `bytes`, into which they point; false if the bytes are damaged.
bool decode_facts(std::string_view bytes, std::vector<FactView>& facts);

}  // namespace visor::catalogue::sqlite
