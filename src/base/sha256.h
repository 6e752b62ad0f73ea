// SHA-256 of short texts, and HMAC with a key that is used often: for signatures of requests.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

namespace visor {

/// Raw bytes of a SHA-256 (FIPS 180-4).
using Sha256Sum = std::array<unsigned char, 32>;

inline std::string_view bytes_of(const Sha256Sum& sum) {
  return {reinterpret_cast<const char*>(sum.data()), sum.size()};
}

Sha256Sum sha256(std::string_view text);
/// Of two texts, one behind the other.
Sha256Sum sha256(std::string_view first, std::string_view second);

/// HMAC-SHA256 (RFC 2104).
Sha256Sum hmac_sha256(std::string_view key, std::string_view text);

/// 64 lower-case hex digits, on the stack.
using Sha256Hex = std::array<char, 64>;
Sha256Hex hex_of(const Sha256Sum& sum);
inline std::string_view text_of(const Sha256Hex& hex) { return {hex.data(), hex.size()}; }

}  // namespace visor
