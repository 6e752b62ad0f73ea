// Private to this folder: MD5, SHA-1 and SHA-256 of one stream, computed together.
//
// MD5 is one long chain of dependent steps: a core that computes it alone leaves most of itself
// idle. With the processor's SHA instructions the other two fit into that idleness, so that all
// three take the time of MD5 (docs/decisions/0009-digests-in-one-pass.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visor::detail {

/// Which digests a kernel computes.
struct FusedSet {
  bool md5 = true;
  bool sha1 = false;
  bool sha256 = false;
};

/// The chaining values, as the algorithms' standards (RFC 1321, FIPS 180-4) number their words.
struct FusedState {
  std::uint32_t md5[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::uint32_t sha1[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::uint32_t sha256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

inline constexpr std::size_t kFusedBlock = 64;

/// Whether this processor has what the kernels need.
bool fused_digests_supported();

/// Takes whole blocks into the state. Only where `fused_digests_supported()`.
void fused_blocks(FusedSet set, FusedState& state, const std::byte* data, std::size_t blocks);

}  // namespace visor::detail
