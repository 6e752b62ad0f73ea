#include "fetch/punycode.h"

#include <cstdint>
#include <limits>

namespace visor::fetch {
namespace {

// The parameters of RFC 3492, section 5.
constexpr std::uint64_t kBase = 36, kMinimum = 1, kMaximum = 26, kSkew = 38, kDamp = 700;
constexpr std::uint64_t kInitialBias = 72, kFirstCodePoint = 128;
constexpr std::uint64_t kLastCodePoint = 0x10ffff;

std::uint64_t adapt(std::uint64_t delta, std::uint64_t count, bool first) {
  delta /= first ? kDamp : 2;
  delta += delta / count;
  std::uint64_t steps = 0;
  for (; delta > (kBase - kMinimum) * kMaximum / 2; steps += kBase) delta /= kBase - kMinimum;
  return steps + (kBase - kMinimum + 1) * delta / (delta + kSkew);
}

/// The value of a digit, or kBase for a character that is none.
std::uint64_t digit_value(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<std::uint64_t>(c - 'a');
  if (c >= '0' && c <= '9') return static_cast<std::uint64_t>(c - '0') + 26;
  return kBase;
}

}  // namespace

bool valid_punycode(std::string_view encoded) {
  const auto hyphen = encoded.rfind('-');
  // A hyphen that nothing stands before would encode a label that begins with it.
  if (hyphen == 0) return false;
  std::uint64_t count = hyphen == std::string_view::npos ? 0 : hyphen;
  if (hyphen != std::string_view::npos) encoded.remove_prefix(hyphen + 1);
  if (encoded.empty()) return false;

  std::uint64_t code_point = kFirstCodePoint, index = 0, bias = kInitialBias;
  std::size_t at = 0;
  while (at < encoded.size()) {
    const std::uint64_t before = index;
    std::uint64_t weight = 1;
    for (std::uint64_t k = kBase;; k += kBase) {
      if (at == encoded.size()) return false;
      const std::uint64_t digit = digit_value(encoded[at++]);
      if (digit == kBase) return false;
      index += digit * weight;
      if (index > std::numeric_limits<std::uint32_t>::max()) return false;
      const std::uint64_t threshold =
          k <= bias ? kMinimum : (k >= bias + kMaximum ? kMaximum : k - bias);
      if (digit < threshold) break;
      weight *= kBase - threshold;
      if (weight > std::numeric_limits<std::uint32_t>::max()) return false;
    }
    ++count;
    bias = adapt(index - before, count, before == 0);
    code_point += index / count;
    index = index % count + 1;
    if (code_point > kLastCodePoint || (code_point >= 0xd800 && code_point < 0xe000)) return false;
  }
  return true;
}

}  // namespace visor::fetch
