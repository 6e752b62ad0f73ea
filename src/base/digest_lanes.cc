#include "base/digest_lanes.h"

#if defined(__x86_64__) && defined(__clang__)

#include <immintrin.h>

#include <cstring>
#include <utility>

#include "base/md5_constants.h"
#include "base/sha256_constants.h"

namespace visor::detail {
namespace {

// FIPS 180-4, 4.2.3.
constexpr std::uint64_t kSha512[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

// One element a stream.
using Words = std::uint32_t __attribute__((ext_vector_type(16)));
using LongWords = std::uint64_t __attribute__((ext_vector_type(8)));

#define VISOR_TARGET target("avx512f,avx512vl,avx512bw,avx512dq")
#define VISOR_KERNEL __attribute__((always_inline, VISOR_TARGET)) inline

// --- MD5 ---

template <int kStep>
VISOR_KERNEL void md5_step(Words& a, const Words& b, const Words& c, const Words& d,
                           const Words* message) {
  constexpr int kRound = kStep / 16;
  constexpr int kWord = kRound == 0   ? kStep
                        : kRound == 1 ? (5 * kStep + 1) % 16
                        : kRound == 2 ? (3 * kStep + 5) % 16
                                      : 7 * kStep % 16;
  constexpr int kRotation = kMd5Rotation[kRound][kStep % 4];
  Words mixed;
  if constexpr (kRound == 0) {
    mixed = d ^ (b & (c ^ d));
  } else if constexpr (kRound == 1) {
    mixed = c ^ (d & (b ^ c));
  } else if constexpr (kRound == 2) {
    mixed = b ^ c ^ d;
  } else {
    mixed = c ^ (b | ~d);
  }
  const Words sum = a + message[kWord] + kMd5[kStep] + mixed;
  a = b + ((sum << kRotation) | (sum >> (32 - kRotation)));
}

template <int... kFours>
VISOR_KERNEL void md5_steps(Words* s, const Words* message, std::integer_sequence<int, kFours...>) {
  ((md5_step<4 * kFours>(s[0], s[1], s[2], s[3], message),
    md5_step<4 * kFours + 1>(s[3], s[0], s[1], s[2], message),
    md5_step<4 * kFours + 2>(s[2], s[3], s[0], s[1], message),
    md5_step<4 * kFours + 3>(s[1], s[2], s[3], s[0], message)),
   ...);
}

// The block of each stream into the n-th word of all streams, for every n.
template <bool kBigEndian>
VISOR_KERNEL void block_words(const std::byte* const* data, std::size_t offset, Words* words) {
  __m512i row[kWordLanes];
  __m512i pair[kWordLanes];
  const __m512i reversed = _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
  for (std::size_t i = 0; i < kWordLanes; ++i) {
    row[i] = _mm512_loadu_si512(data[i] + offset);
    if constexpr (kBigEndian) row[i] = _mm512_shuffle_epi8(row[i], reversed);
  }
  for (int i = 0; i < 8; ++i) {
    pair[2 * i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
    pair[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
  }
  // From here on row[4 * i + j] has of the streams 4i to 4i+3 the words j, j+4, j+8 and j+12.
  for (int i = 0; i < 4; ++i) {
    row[4 * i] = _mm512_unpacklo_epi64(pair[4 * i], pair[4 * i + 2]);
    row[4 * i + 1] = _mm512_unpackhi_epi64(pair[4 * i], pair[4 * i + 2]);
    row[4 * i + 2] = _mm512_unpacklo_epi64(pair[4 * i + 1], pair[4 * i + 3]);
    row[4 * i + 3] = _mm512_unpackhi_epi64(pair[4 * i + 1], pair[4 * i + 3]);
  }
  for (int j = 0; j < 4; ++j) {
    const __m512i low_even = _mm512_shuffle_i32x4(row[j], row[4 + j], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(row[j], row[4 + j], 0xdd);
    const __m512i high_even = _mm512_shuffle_i32x4(row[8 + j], row[12 + j], 0x88);
    const __m512i high_odd = _mm512_shuffle_i32x4(row[8 + j], row[12 + j], 0xdd);
    words[j] = reinterpret_cast<Words>(_mm512_shuffle_i32x4(low_even, high_even, 0x88));
    words[j + 4] = reinterpret_cast<Words>(_mm512_shuffle_i32x4(low_odd, high_odd, 0x88));
    words[j + 8] = reinterpret_cast<Words>(_mm512_shuffle_i32x4(low_even, high_even, 0xdd));
    words[j + 12] = reinterpret_cast<Words>(_mm512_shuffle_i32x4(low_odd, high_odd, 0xdd));
  }
}

// --- SHA-1 ---

template <int kBits>
VISOR_KERNEL Words rotate(const Words& x) {
  return (x >> kBits) | (x << (32 - kBits));
}

template <int kRound>
VISOR_KERNEL void sha1_round(Words* s, Words* words) {
  // FIPS 180-4, 4.2.1.
  constexpr std::uint32_t kConstants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  constexpr int kPart = kRound / 20;
  Words& word = words[kRound & 15];
  if constexpr (kRound >= 16) {
    word = rotate<31>(words[(kRound + 13) & 15] ^ words[(kRound + 8) & 15] ^
                      words[(kRound + 2) & 15] ^ word);
  }
  // The names of FIPS 180-4; instead of moving five words on, the next round looks elsewhere.
  const Words& a = s[(80 - kRound) % 5];
  Words& b = s[(81 - kRound) % 5];
  const Words& c = s[(82 - kRound) % 5];
  const Words& d = s[(83 - kRound) % 5];
  Words& e = s[(84 - kRound) % 5];
  Words mixed;
  if constexpr (kPart == 0) {
    mixed = d ^ (b & (c ^ d));
  } else if constexpr (kPart == 2) {
    mixed = (b & c) | (d & (b | c));
  } else {
    mixed = b ^ c ^ d;
  }
  e += rotate<27>(a) + mixed + word + kConstants[kPart];
  b = rotate<2>(b);
}

template <int... kRounds>
VISOR_KERNEL void sha1_rounds(Words* s, Words* words, std::integer_sequence<int, kRounds...>) {
  (sha1_round<kRounds>(s, words), ...);
}

// --- SHA-256 ---

template <int kRound>
VISOR_KERNEL void sha256_round(Words* s, Words* words) {
  Words& word = words[kRound & 15];
  if constexpr (kRound >= 16) {
    const Words& x = words[(kRound + 1) & 15];
    const Words& y = words[(kRound + 14) & 15];
    word += (rotate<7>(x) ^ rotate<18>(x) ^ (x >> 3)) + words[(kRound + 9) & 15] +
            (rotate<17>(y) ^ rotate<19>(y) ^ (y >> 10));
  }
  // The names of FIPS 180-4; instead of moving eight words on, the next round looks elsewhere.
  const Words& a = s[(64 - kRound) & 7];
  const Words& b = s[(65 - kRound) & 7];
  const Words& c = s[(66 - kRound) & 7];
  Words& d = s[(67 - kRound) & 7];
  const Words& e = s[(68 - kRound) & 7];
  const Words& f = s[(69 - kRound) & 7];
  const Words& g = s[(70 - kRound) & 7];
  Words& h = s[(71 - kRound) & 7];
  const Words first = h + (rotate<6>(e) ^ rotate<11>(e) ^ rotate<25>(e)) + ((e & f) ^ (~e & g)) +
                      word + kSha256[kRound];
  d += first;
  h = first + (rotate<2>(a) ^ rotate<13>(a) ^ rotate<22>(a)) + ((a & b) | (c & (a | b)));
}

template <int... kRounds>
VISOR_KERNEL void sha256_rounds(Words* s, Words* words, std::integer_sequence<int, kRounds...>) {
  (sha256_round<kRounds>(s, words), ...);
}

// --- SHA-512 ---

template <int kBits>
VISOR_KERNEL LongWords rotate(const LongWords& x) {
  return (x >> kBits) | (x << (64 - kBits));
}

template <int kRound>
VISOR_KERNEL void sha512_round(LongWords* s, LongWords* words) {
  LongWords& word = words[kRound & 15];
  if constexpr (kRound >= 16) {
    const LongWords& x = words[(kRound + 1) & 15];
    const LongWords& y = words[(kRound + 14) & 15];
    word += (rotate<1>(x) ^ rotate<8>(x) ^ (x >> 7)) + words[(kRound + 9) & 15] +
            (rotate<19>(y) ^ rotate<61>(y) ^ (y >> 6));
  }
  // The names of FIPS 180-4; instead of moving eight words on, the next round looks elsewhere.
  const LongWords& a = s[(80 - kRound) & 7];
  const LongWords& b = s[(81 - kRound) & 7];
  const LongWords& c = s[(82 - kRound) & 7];
  LongWords& d = s[(83 - kRound) & 7];
  const LongWords& e = s[(84 - kRound) & 7];
  const LongWords& f = s[(85 - kRound) & 7];
  const LongWords& g = s[(86 - kRound) & 7];
  LongWords& h = s[(87 - kRound) & 7];
  const LongWords first = h + (rotate<14>(e) ^ rotate<18>(e) ^ rotate<41>(e)) +
                          ((e & f) ^ (~e & g)) + word + kSha512[kRound];
  d += first;
  h = first + (rotate<28>(a) ^ rotate<34>(a) ^ rotate<39>(a)) + ((a & b) | (c & (a | b)));
}

template <int... kRounds>
VISOR_KERNEL void sha512_rounds(LongWords* s, LongWords* words,
                                std::integer_sequence<int, kRounds...>) {
  (sha512_round<kRounds>(s, words), ...);
}

// Half a block of each stream into the n-th word of all streams, for eight n.
VISOR_KERNEL void sha512_words(const std::byte* const* data, std::size_t offset, LongWords* words) {
  const __m512i reversed = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
  __m512i row[kSha512Lanes];
  __m512i pair[kSha512Lanes];
  for (std::size_t i = 0; i < kSha512Lanes; ++i) {
    row[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[i] + offset), reversed);
  }
  // From here on pair[2 * i + j] has of the streams 2i and 2i+1 the words j, j+2, j+4 and j+6.
  for (int i = 0; i < 4; ++i) {
    pair[2 * i] = _mm512_unpacklo_epi64(row[2 * i], row[2 * i + 1]);
    pair[2 * i + 1] = _mm512_unpackhi_epi64(row[2 * i], row[2 * i + 1]);
  }
  for (int j = 0; j < 2; ++j) {
    const __m512i low_even = _mm512_shuffle_i64x2(pair[j], pair[2 + j], 0x88);
    const __m512i low_odd = _mm512_shuffle_i64x2(pair[j], pair[2 + j], 0xdd);
    const __m512i high_even = _mm512_shuffle_i64x2(pair[4 + j], pair[6 + j], 0x88);
    const __m512i high_odd = _mm512_shuffle_i64x2(pair[4 + j], pair[6 + j], 0xdd);
    words[j] = reinterpret_cast<LongWords>(_mm512_shuffle_i64x2(low_even, high_even, 0x88));
    words[j + 2] = reinterpret_cast<LongWords>(_mm512_shuffle_i64x2(low_odd, high_odd, 0x88));
    words[j + 4] = reinterpret_cast<LongWords>(_mm512_shuffle_i64x2(low_even, high_even, 0xdd));
    words[j + 6] = reinterpret_cast<LongWords>(_mm512_shuffle_i64x2(low_odd, high_odd, 0xdd));
  }
}

}  // namespace

bool digest_lanes_supported() {
  static const bool supported =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  return supported;
}

__attribute__((VISOR_TARGET)) void md5_lanes(std::uint32_t* const* states,
                                             const std::byte* const* data, std::size_t blocks) {
  Words state[4];
  for (int word = 0; word < 4; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) state[word][i] = states[i][word];
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    Words message[16];
    block_words<false>(data, block * 64, message);
    Words s[4] = {state[0], state[1], state[2], state[3]};
    md5_steps(s, message, std::make_integer_sequence<int, 16>());
    for (int word = 0; word < 4; ++word) state[word] += s[word];
  }
  for (int word = 0; word < 4; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) states[i][word] = state[word][i];
  }
}

__attribute__((VISOR_TARGET)) void sha1_lanes(std::uint32_t* const* states,
                                              const std::byte* const* data, std::size_t blocks) {
  Words state[5];
  for (int word = 0; word < 5; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) state[word][i] = states[i][word];
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    Words words[16];
    block_words<true>(data, block * 64, words);
    Words s[5];
    for (int word = 0; word < 5; ++word) s[word] = state[word];
    sha1_rounds(s, words, std::make_integer_sequence<int, 80>());
    for (int word = 0; word < 5; ++word) state[word] += s[word];
  }
  for (int word = 0; word < 5; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) states[i][word] = state[word][i];
  }
}

__attribute__((VISOR_TARGET)) void sha256_lanes(std::uint32_t* const* states,
                                                const std::byte* const* data, std::size_t blocks) {
  Words state[8];
  for (int word = 0; word < 8; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) state[word][i] = states[i][word];
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    Words words[16];
    block_words<true>(data, block * 64, words);
    Words s[8];
    for (int word = 0; word < 8; ++word) s[word] = state[word];
    sha256_rounds(s, words, std::make_integer_sequence<int, 64>());
    for (int word = 0; word < 8; ++word) state[word] += s[word];
  }
  for (int word = 0; word < 8; ++word) {
    for (std::size_t i = 0; i < kWordLanes; ++i) states[i][word] = state[word][i];
  }
}

__attribute__((VISOR_TARGET)) void sha512_lanes(std::uint64_t* const* states,
                                                const std::byte* const* data, std::size_t blocks) {
  LongWords state[8];
  for (int word = 0; word < 8; ++word) {
    for (std::size_t i = 0; i < kSha512Lanes; ++i) state[word][i] = states[i][word];
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    LongWords words[16];
    sha512_words(data, block * 128, words);
    sha512_words(data, block * 128 + 64, words + 8);
    LongWords s[8];
    for (int word = 0; word < 8; ++word) s[word] = state[word];
    sha512_rounds(s, words, std::make_integer_sequence<int, 80>());
    for (int word = 0; word < 8; ++word) state[word] += s[word];
  }
  for (int word = 0; word < 8; ++word) {
    for (std::size_t i = 0; i < kSha512Lanes; ++i) states[i][word] = state[word][i];
  }
}

}  // namespace visor::detail

#else

#include <cstdlib>

namespace visor::detail {

bool digest_lanes_supported() { return false; }
void md5_lanes(std::uint32_t* const*, const std::byte* const*, std::size_t) { std::abort(); }
void sha1_lanes(std::uint32_t* const*, const std::byte* const*, std::size_t) { std::abort(); }
void sha256_lanes(std::uint32_t* const*, const std::byte* const*, std::size_t) { std::abort(); }
void sha512_lanes(std::uint64_t* const*, const std::byte* const*, std::size_t) { std::abort(); }

}  // namespace visor::detail

#endif
