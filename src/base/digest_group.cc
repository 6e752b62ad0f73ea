#include "base/digest_group.h"

// The functions on SHA512_CTX are deprecated, but no others let the state be seen.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/digest_lanes.h"
#include "base/encoding.h"
#include "base/fused_digest.h"

namespace visor {
namespace {

constexpr std::size_t kBlock = detail::kFusedBlock;
constexpr std::size_t kLengthAt = kBlock - 8;

bool contains(const std::vector<DigestAlgorithm>& algorithms, DigestAlgorithm one) {
  return std::ranges::find(algorithms, one) != algorithms.end();
}

bool can_join_md5(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::sha1 || algorithm == DigestAlgorithm::sha256;
}

void put_big_endian(std::byte* to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    to[size - 1 - i] = static_cast<std::byte>(value >> (8 * i));
}

void put_little_endian(std::byte* to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

// MD5 with what goes along for nothing.
class FusedDigester {
 public:
  static constexpr std::size_t kBlockSize = kBlock;
  static constexpr std::size_t kLanes = detail::kWordLanes;
  // From so many streams on MD5 in lanes and the rest stream by stream beat all stream by stream.
  static constexpr std::size_t kWorthIt = 5;
  // And from so many on the rest is quicker in lanes, too.
  static constexpr std::size_t kWorthItForSha = 8;

  explicit FusedDigester(detail::FusedSet set) : set_(set) {}

  /// Whether it stands between two blocks.
  bool aligned() const { return pending_ == 0; }

  /// Takes whole blocks of as many streams as there are lanes, of which the first `count` are for
  /// somebody. All must be aligned.
  static void update_lanes(std::span<FusedDigester* const> streams, std::size_t count,
                           const std::byte* const* data, std::size_t blocks) {
    const auto all_want = [&](bool detail::FusedSet::* one) {
      return std::ranges::all_of(streams, [one](const auto* each) { return each->set_.*one; });
    };
    const bool many = count >= kWorthItForSha;
    const bool sha1 = many && all_want(&detail::FusedSet::sha1);
    const bool sha256 = many && all_want(&detail::FusedSet::sha256);
    std::array<std::uint32_t*, kLanes> states;
    const auto run = [&](auto member, auto lanes) {
      for (std::size_t i = 0; i < kLanes; ++i) states[i] = streams[i]->state_.*member;
      lanes(states.data(), data, blocks);
    };
    run(&detail::FusedState::md5, detail::md5_lanes);
    if (sha1) run(&detail::FusedState::sha1, detail::sha1_lanes);
    if (sha256) run(&detail::FusedState::sha256, detail::sha256_lanes);
    for (std::size_t i = 0; i < count; ++i) {
      FusedDigester& one = *streams[i];
      one.total_ += blocks * kBlock;
      const detail::FusedSet rest{false, one.set_.sha1 && !sha1, one.set_.sha256 && !sha256};
      if (rest.sha1 || rest.sha256) detail::fused_blocks(rest, one.state_, data[i], blocks);
    }
  }

  void update(std::span<const std::byte> bytes) {
    total_ += bytes.size();
    if (pending_ > 0) {
      const std::size_t count = std::min(bytes.size(), kBlock - pending_);
      std::memcpy(tail_.data() + pending_, bytes.data(), count);
      pending_ += count;
      bytes = bytes.subspan(count);
      if (pending_ < kBlock) return;
      detail::fused_blocks(set_, state_, tail_.data(), 1);
      pending_ = 0;
    }
    const std::size_t blocks = bytes.size() / kBlock;
    if (blocks > 0) detail::fused_blocks(set_, state_, bytes.data(), blocks);
    bytes = bytes.subspan(blocks * kBlock);
    if (!bytes.empty()) std::memcpy(tail_.data(), bytes.data(), bytes.size());
    pending_ = bytes.size();
  }

  void finish(Digests& digests) {
    // The end of the message: the last bytes, a set bit, zeros, and the length in bits, which MD5
    // writes the other way round. So each family has an end of its own, from the same state.
    std::array<std::byte, 2 * kBlock> end{};
    std::memcpy(end.data(), tail_.data(), pending_);
    end[pending_] = std::byte{0x80};
    const std::size_t blocks = pending_ < kLengthAt ? 1 : 2;
    std::byte* const length = end.data() + (blocks - 1) * kBlock + kLengthAt;

    detail::FusedState sha = state_;
    put_big_endian(length, total_ * 8, 8);
    if (set_.sha1 || set_.sha256) detail::fused_blocks(set_, sha, end.data(), blocks);
    detail::FusedState md5 = state_;
    put_little_endian(length, total_ * 8, 8);
    detail::fused_blocks({}, md5, end.data(), blocks);

    std::array<std::byte, 32> raw;
    for (std::size_t i = 0; i < 4; ++i) put_little_endian(raw.data() + 4 * i, md5.md5[i], 4);
    digests[DigestAlgorithm::md5] = hex(raw, 16);
    if (set_.sha1) {
      for (std::size_t i = 0; i < 5; ++i) put_big_endian(raw.data() + 4 * i, sha.sha1[i], 4);
      digests[DigestAlgorithm::sha1] = hex(raw, 20);
    }
    if (set_.sha256) {
      for (std::size_t i = 0; i < 8; ++i) put_big_endian(raw.data() + 4 * i, sha.sha256[i], 4);
      digests[DigestAlgorithm::sha256] = hex(raw, 32);
    }
  }

 private:
  static std::string hex(const std::array<std::byte, 32>& raw, std::size_t size) {
    return to_hex(std::span<const std::byte>(raw).first(size));
  }

  const detail::FusedSet set_;
  detail::FusedState state_;
  std::array<std::byte, kBlock> tail_;
  std::size_t pending_ = 0;  ///< bytes in `tail_`
  std::uint64_t total_ = 0;
};

// OpenSSL's, but with a state that the lanes can take over.
class Sha512Digester {
 public:
  static constexpr std::size_t kBlockSize = 128;
  static constexpr std::size_t kLanes = detail::kSha512Lanes;
  static constexpr std::size_t kWorthIt = 3;

  Sha512Digester() { SHA512_Init(&context_); }
  void update(std::span<const std::byte> bytes) {
    SHA512_Update(&context_, bytes.data(), bytes.size());
  }
  void finish(Digests& digests) {
    std::array<std::byte, SHA512_DIGEST_LENGTH> raw;
    SHA512_Final(reinterpret_cast<unsigned char*>(raw.data()), &context_);
    digests[DigestAlgorithm::sha512] = to_hex(std::span<const std::byte>(raw));
  }

  bool aligned() const { return context_.num == 0; }
  static void update_lanes(std::span<Sha512Digester* const> streams, std::size_t /*count*/,
                           const std::byte* const* data, std::size_t blocks) {
    static_assert(std::is_same_v<SHA_LONG64, unsigned long long>);
    std::array<std::array<std::uint64_t, 8>, kLanes> words;
    std::array<std::uint64_t*, kLanes> states;
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::copy_n(streams[i]->context_.h, 8, words[i].data());
      states[i] = words[i].data();
    }
    detail::sha512_lanes(states.data(), data, blocks);
    for (std::size_t i = 0; i < kLanes; ++i) {
      SHA512_CTX& context = streams[i]->context_;
      std::copy_n(words[i].data(), 8, context.h);
      // The length in bits, in two halves.
      const SHA_LONG64 bits = static_cast<SHA_LONG64>(blocks) * kBlockSize * 8;
      context.Nl += bits;
      if (context.Nl < bits) ++context.Nh;
    }
  }

 private:
  SHA512_CTX context_;
};

template <class Stream>
struct Step {
  Stream* stream;
  std::span<const std::byte> bytes;

  std::size_t blocks() const { return bytes.size() / Stream::kBlockSize; }
};

// Longest first; as long as enough streams have whole blocks left, these go side by side.
template <class Stream>
void update_side_by_side(std::vector<Step<Stream>> steps) {
  std::ranges::sort(steps, std::greater(), &Step<Stream>::blocks);
  while (true) {
    const std::size_t count = std::min(steps.size(), Stream::kLanes);
    if (count < Stream::kWorthIt) break;
    const std::size_t blocks = steps[count - 1].blocks();
    if (blocks > 0) {
      std::array<Stream*, Stream::kLanes> streams;
      std::array<const std::byte*, Stream::kLanes> data;
      // What no stream is there for works on copies, for nobody.
      std::array<std::optional<Stream>, Stream::kLanes> idle;
      for (std::size_t i = 0; i < Stream::kLanes; ++i) {
        data[i] = steps[std::min(i, count - 1)].bytes.data();
        streams[i] = i < count ? steps[i].stream : &idle[i].emplace(*steps[0].stream);
      }
      Stream::update_lanes(streams, count, data.data(), blocks);
      for (std::size_t i = 0; i < count; ++i) {
        steps[i].bytes = steps[i].bytes.subspan(blocks * Stream::kBlockSize);
      }
    }
    // Those that came to their end.
    for (const Step<Stream>& step : steps) {
      if (step.blocks() == 0) step.stream->update(step.bytes);
    }
    std::erase_if(steps, [](const Step<Stream>& one) { return one.blocks() == 0; });
    std::ranges::sort(steps, std::greater(), &Step<Stream>::blocks);
  }
  for (const Step<Stream>& step : steps) step.stream->update(step.bytes);
}

constexpr std::array kFused = {DigestAlgorithm::md5, DigestAlgorithm::sha1,
                               DigestAlgorithm::sha256};

// What a processor or compiler got wrong here would be stored as an image's digest for good.
bool agrees_with_openssl() {
  std::array<std::byte, 5 * kBlock + 57> sample;
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = static_cast<std::byte>(i * 151 >> 2);
  FusedDigester fused({true, true, true});
  fused.update(sample);
  Digests ours;
  fused.finish(ours);
  return std::ranges::all_of(kFused, [&](DigestAlgorithm algorithm) {
    Digester reference(algorithm);
    reference.update(sample);
    return ours[algorithm] == reference.finish_hex();
  });
}

bool lanes_agree_with_openssl();

bool may_use_lanes() {
  static const bool usable = detail::digest_lanes_supported() && lanes_agree_with_openssl();
  return usable;
}

bool lanes_agree_with_openssl() {
  std::array<std::byte, 3 * Sha512Digester::kBlockSize + 9> sample;
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = static_cast<std::byte>(i * 157 >> 2);
  const auto all = [](detail::FusedSet set) {
    return std::vector<FusedDigester>(FusedDigester::kLanes, FusedDigester(set));
  };
  std::vector<FusedDigester> md5 = all({true, false, false});
  std::vector<FusedDigester> sha1 = all({true, true, false});
  std::vector<FusedDigester> sha256 = all({true, false, true});
  std::vector<Sha512Digester> sha512(Sha512Digester::kLanes);
  const auto agree = [&sample](auto& streams, DigestAlgorithm algorithm) {
    std::vector<Step<typename std::decay_t<decltype(streams)>::value_type>> steps;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      steps.push_back({&streams[i], std::span<const std::byte>(sample).subspan(i)});
    }
    const auto inputs = steps;
    update_side_by_side(std::move(steps));
    return std::ranges::all_of(inputs, [algorithm](const auto& input) {
      Digests ours;
      input.stream->finish(ours);
      Digester reference(algorithm);
      reference.update(input.bytes);
      return ours[algorithm] == reference.finish_hex();
    });
  };
  return detail::fused_digests_supported() && agree(md5, DigestAlgorithm::md5) &&
         agree(sha1, DigestAlgorithm::sha1) && agree(sha256, DigestAlgorithm::sha256) &&
         agree(sha512, DigestAlgorithm::sha512);
}

bool may_fuse(const std::vector<DigestAlgorithm>& algorithms) {
  static const bool usable = detail::fused_digests_supported() && agrees_with_openssl();
  return usable && contains(algorithms, DigestAlgorithm::md5);
}

}  // namespace

struct DigestGroup::State {
  std::optional<FusedDigester> fused;
  std::optional<Sha512Digester> sha512;
  std::vector<Digester> single;
};

DigestGroup::DigestGroup(const std::vector<DigestAlgorithm>& algorithms)
    : state_(std::make_unique<State>()) {
  const bool fuse = may_fuse(algorithms);
  if (fuse) {
    state_->fused.emplace(detail::FusedSet{true, contains(algorithms, DigestAlgorithm::sha1),
                                           contains(algorithms, DigestAlgorithm::sha256)});
  }
  for (const DigestAlgorithm one : algorithms) {
    if (fuse && (one == DigestAlgorithm::md5 || can_join_md5(one))) continue;
    if (one == DigestAlgorithm::sha512 && may_use_lanes()) {
      state_->sha512.emplace();
    } else {
      state_->single.emplace_back(one);
    }
  }
}

DigestGroup::~DigestGroup() = default;
DigestGroup::DigestGroup(DigestGroup&&) noexcept = default;
DigestGroup& DigestGroup::operator=(DigestGroup&&) noexcept = default;

void DigestGroup::update(std::span<const std::byte> bytes) {
  if (state_->fused) state_->fused->update(bytes);
  if (state_->sha512) state_->sha512->update(bytes);
  for (Digester& one : state_->single) one.update(bytes);
}

Digests DigestGroup::finish() {
  Digests digests;
  if (state_->fused) state_->fused->finish(digests);
  if (state_->sha512) state_->sha512->finish(digests);
  for (Digester& one : state_->single) digests[one.algorithm()] = one.finish_hex();
  return digests;
}

bool digests_gain_together() { return may_use_lanes(); }

void update_together(std::span<const DigestStep> steps) {
  std::vector<Step<FusedDigester>> fused;
  std::vector<Step<Sha512Digester>> sha512;
  const bool lanes = may_use_lanes();
  const auto add = [](auto& to, auto& stream, std::span<const std::byte> bytes) {
    if (stream.aligned()) {
      to.push_back({&stream, bytes});
    } else {
      stream.update(bytes);
    }
  };
  for (const auto& [group, bytes] : steps) {
    DigestGroup::State& state = *group.state_;
    if (!lanes) {
      group.update(bytes);
      continue;
    }
    if (state.fused) add(fused, *state.fused, bytes);
    if (state.sha512) add(sha512, *state.sha512, bytes);
    for (Digester& one : state.single) one.update(bytes);
  }
  update_side_by_side(std::move(fused));
  update_side_by_side(std::move(sha512));
}

std::vector<std::vector<DigestAlgorithm>> digest_groups(
    const std::vector<DigestAlgorithm>& algorithms) {
  std::vector<std::vector<DigestAlgorithm>> groups;
  const bool fuse = may_fuse(algorithms);
  if (fuse) groups.push_back({DigestAlgorithm::md5});
  // MD5 is the slowest, then SHA-512.
  constexpr std::array kBySpeed = {DigestAlgorithm::md5, DigestAlgorithm::sha512,
                                   DigestAlgorithm::sha256, DigestAlgorithm::sha1};
  for (const DigestAlgorithm one : kBySpeed) {
    if (!contains(algorithms, one) || (fuse && one == DigestAlgorithm::md5)) continue;
    if (fuse && can_join_md5(one)) {
      groups.front().push_back(one);
    } else {
      groups.push_back({one});
    }
  }
  return groups;
}

}  // namespace visor
