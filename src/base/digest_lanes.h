// Private to this folder: digests of many streams at once, one stream in each element of a vector
// register (AVX-512). One stream can't use more than a small part of a core for these algorithms;
// many together use all of it (docs/decisions/0009-digests-in-one-pass.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace visor::detail {

inline constexpr std::size_t kWordLanes = 16;  ///< of MD5, SHA-1 and SHA-256
inline constexpr std::size_t kSha512Lanes = 8;

/// Whether this processor has what the kernels need.
bool digest_lanes_supported();

/// Takes `blocks` whole blocks of each of kWordLanes streams (64 bytes) into the four words of its
/// state. Every lane must have a state of its own; several may read the same data.
void md5_lanes(std::uint32_t* const* states, const std::byte* const* data, std::size_t blocks);

/// The same for the five words of SHA-1.
void sha1_lanes(std::uint32_t* const* states, const std::byte* const* data, std::size_t blocks);

/// The same for the eight words of SHA-256.
void sha256_lanes(std::uint32_t* const* states, const std::byte* const* data, std::size_t blocks);

/// The same for kSha512Lanes streams, blocks of 128 bytes and eight words.
void sha512_lanes(std::uint64_t* const* states, const std::byte* const* data, std::size_t blocks);

}  // namespace visor::detail
