#include "base/fused_digest.h"

#if defined(__x86_64__) && defined(__clang__)

#include <cpuid.h>
#include <immintrin.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/md5_constants.h"
#include "base/sha256_constants.h"

namespace visor::detail {
namespace {

#define VISOR_KERNEL __attribute__((always_inline, target("sha,ssse3,sse4.1"))) inline

// One of the 64 steps of MD5. The empty assembly keeps the compiler from moving the additions that
// do not wait for the step before into the chain that does, which costs a fifth of the speed.
template <int kStep>
VISOR_KERNEL void md5_step(std::uint32_t& a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                           const std::uint32_t* message) {
  constexpr int kRound = kStep / 16;
  constexpr int kWord = kRound == 0   ? kStep
                        : kRound == 1 ? (5 * kStep + 1) % 16
                        : kRound == 2 ? (3 * kStep + 5) % 16
                                      : 7 * kStep % 16;
  constexpr int kRotation = kMd5Rotation[kRound][kStep % 4];
  std::uint32_t ready = a + message[kWord] + kMd5[kStep];
  asm("" : "+r"(ready));
  std::uint32_t mixed = 0;
  if constexpr (kRound == 0) {
    mixed = d ^ (b & (c ^ d));
  } else if constexpr (kRound == 1) {
    ready += c & ~d;
    asm("" : "+r"(ready));
    mixed = d & b;
  } else if constexpr (kRound == 2) {
    std::uint32_t older = c ^ d;
    asm("" : "+r"(older));
    mixed = b ^ older;
  } else {
    mixed = c ^ (b | ~d);
  }
  const std::uint32_t sum = ready + mixed;
  a = b + ((sum << kRotation) | (sum >> (32 - kRotation)));
}

struct Md5 {
  std::uint32_t s[4];
  std::uint32_t message[16];

  template <int kFirst>
  VISOR_KERNEL void four_steps() {
    md5_step<kFirst>(s[0], s[1], s[2], s[3], message);
    md5_step<kFirst + 1>(s[3], s[0], s[1], s[2], message);
    md5_step<kFirst + 2>(s[2], s[3], s[0], s[1], message);
    md5_step<kFirst + 3>(s[1], s[2], s[3], s[0], message);
  }
  template <int kQuarter>
  VISOR_KERNEL void quarter() {
    four_steps<16 * kQuarter>();
    four_steps<16 * kQuarter + 4>();
    four_steps<16 * kQuarter + 8>();
    four_steps<16 * kQuarter + 12>();
  }
};

struct Sha256 {
  __m128i abef, cdgh;
  __m128i words[4];

  template <int kGroup>
  VISOR_KERNEL void four_rounds() {
    __m128i& word = words[kGroup & 3];
    if constexpr (kGroup >= 4) {
      const __m128i previous = words[(kGroup + 3) & 3];
      word = _mm_sha256msg1_epu32(word, words[(kGroup + 1) & 3]);
      word = _mm_add_epi32(word, _mm_alignr_epi8(previous, words[(kGroup + 2) & 3], 4));
      word = _mm_sha256msg2_epu32(word, previous);
    }
    const auto* constants = reinterpret_cast<const __m128i*>(kSha256 + 4 * kGroup);
    const __m128i sum = _mm_add_epi32(word, _mm_load_si128(constants));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
  }
  template <int kQuarter>
  VISOR_KERNEL void quarter() {
    four_rounds<4 * kQuarter>();
    four_rounds<4 * kQuarter + 1>();
    four_rounds<4 * kQuarter + 2>();
    four_rounds<4 * kQuarter + 3>();
  }
};

struct Sha1 {
  __m128i abcd, e;
  __m128i words[4];

  template <int kGroup>
  VISOR_KERNEL void four_rounds() {
    __m128i& word = words[kGroup & 3];
    if constexpr (kGroup >= 4) {
      word = _mm_sha1msg1_epu32(word, words[(kGroup + 1) & 3]);
      word = _mm_xor_si128(word, words[(kGroup + 2) & 3]);
      word = _mm_sha1msg2_epu32(word, words[(kGroup + 3) & 3]);
    }
    const __m128i sum = kGroup == 0 ? _mm_add_epi32(e, word) : _mm_sha1nexte_epu32(e, word);
    e = abcd;
    abcd = _mm_sha1rnds4_epu32(abcd, sum, kGroup / 5);
  }
  template <int kQuarter>
  VISOR_KERNEL void quarter() {
    four_rounds<5 * kQuarter>();
    four_rounds<5 * kQuarter + 1>();
    four_rounds<5 * kQuarter + 2>();
    four_rounds<5 * kQuarter + 3>();
    four_rounds<5 * kQuarter + 4>();
  }
};

template <bool kMd5Too, bool kSha1, bool kSha256>
__attribute__((target("sha,ssse3,sse4.1"))) void run(FusedState& state, const std::byte* data,
                                                     std::size_t blocks) {
  const __m128i words_reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i all_reversed = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  const auto load = [](const std::uint32_t* words) __attribute__((target("sha,ssse3,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
  };

  // The instructions want a in the highest word, and of SHA-256 the words a, b, e, f together.
  __m128i abcd = _mm_shuffle_epi32(load(state.sha1), 0x1b);
  __m128i e = _mm_set_epi32(static_cast<int>(state.sha1[4]), 0, 0, 0);
  const __m128i badc = _mm_shuffle_epi32(load(state.sha256), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state.sha256 + 4), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

  for (; blocks > 0; --blocks, data += kFusedBlock) {
    Md5 md5;
    if constexpr (kMd5Too) {
      std::memcpy(md5.s, state.md5, sizeof md5.s);
      std::memcpy(md5.message, data, sizeof md5.message);
    }
    Sha1 sha1{abcd, e, {}};
    Sha256 sha256{abef, cdgh, {}};
    for (int i = 0; i < 4; ++i) {
      const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i);
      if constexpr (kSha1) sha1.words[i] = _mm_shuffle_epi8(raw, all_reversed);
      if constexpr (kSha256) sha256.words[i] = _mm_shuffle_epi8(raw, words_reversed);
    }
    // By quarters, so that the three stay within what the processor looks ahead.
#define VISOR_QUARTER(n)                      \
  if constexpr (kMd5Too) md5.quarter<n>();    \
  if constexpr (kSha256) sha256.quarter<n>(); \
  if constexpr (kSha1) sha1.quarter<n>();
    VISOR_QUARTER(0)
    VISOR_QUARTER(1)
    VISOR_QUARTER(2)
    VISOR_QUARTER(3)
#undef VISOR_QUARTER
    if constexpr (kMd5Too) {
      for (int i = 0; i < 4; ++i) state.md5[i] += md5.s[i];
    }
    if constexpr (kSha1) {
      e = _mm_sha1nexte_epu32(sha1.e, e);
      abcd = _mm_add_epi32(abcd, sha1.abcd);
    }
    if constexpr (kSha256) {
      abef = _mm_add_epi32(abef, sha256.abef);
      cdgh = _mm_add_epi32(cdgh, sha256.cdgh);
    }
  }

  if constexpr (kSha1) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.sha1), _mm_shuffle_epi32(abcd, 0x1b));
    state.sha1[4] = static_cast<std::uint32_t>(_mm_extract_epi32(e, 3));
  }
  if constexpr (kSha256) {
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    auto* const out = reinterpret_cast<__m128i*>(state.sha256);
    _mm_storeu_si128(out, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(out + 1, _mm_alignr_epi8(dchg, feba, 8));
  }
}

#undef VISOR_KERNEL

bool find_support() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (b & bit_SHA) != 0 && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

}  // namespace

bool fused_digests_supported() {
  static const bool supported = find_support();
  return supported;
}

void fused_blocks(FusedSet set, FusedState& state, const std::byte* data, std::size_t blocks) {
  using Run = void (*)(FusedState&, const std::byte*, std::size_t);
  constexpr Run kRuns[2][2][2] = {{{run<false, false, false>, run<false, false, true>},
                                   {run<false, true, false>, run<false, true, true>}},
                                  {{run<true, false, false>, run<true, false, true>},
                                   {run<true, true, false>, run<true, true, true>}}};
  kRuns[set.md5][set.sha1][set.sha256](state, data, blocks);
}

}  // namespace visor::detail

#else

#include <cstdlib>

namespace visor::detail {

bool fused_digests_supported() { return false; }
void fused_blocks(FusedSet, FusedState&, const std::byte*, std::size_t) { std::abort(); }

}  // namespace visor::detail

#endif
