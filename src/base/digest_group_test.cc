#include "base/digest_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/fused_digest.h"

namespace visor {
namespace {

using enum DigestAlgorithm;

const std::vector<DigestAlgorithm> kAll = {md5, sha1, sha256, sha512};

std::string bytes_of_length(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = static_cast<std::uint32_t>(size) * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

Digests group_of(const std::vector<DigestAlgorithm>& algorithms, std::string_view text) {
  DigestGroup group(algorithms);
  group.update(std::as_bytes(std::span(text)));
  return group.finish();
}

Digests one_by_one(const std::vector<DigestAlgorithm>& algorithms, std::string_view text) {
  Digests digests;
  for (const auto one : algorithms) digests[one] = digest_hex(one, text);
  return digests;
}

TEST(DigestGroup, MatchesThePublishedVectors) {
  // RFC 1321 A.5; FIPS 180-4 examples.
  const Digests abc = group_of(kAll, "abc");
  EXPECT_EQ(abc.at(md5), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(abc.at(sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(abc.at(sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(group_of({md5}, "").at(md5), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(
      group_of(kAll,
               "12345678901234567890123456789012345678901234567890123456789012345678901234567890")
          .at(md5),
      "57edf4a22be3c955ac49da2e2107b67a");
  EXPECT_EQ(group_of(kAll, std::string(1000000, 'a')).at(sha1),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(DigestGroup, AgreesWithOpensslForEveryLengthAroundTheBlocks) {
  for (std::size_t size = 0; size <= 260; ++size) {
    const std::string text = bytes_of_length(size);
    EXPECT_EQ(group_of(kAll, text), one_by_one(kAll, text)) << size << " bytes";
  }
}

TEST(DigestGroup, AgreesWithOpensslForEveryChoiceOfDigests) {
  const std::string text = bytes_of_length(100'003);
  for (unsigned chosen = 1; chosen < 16; ++chosen) {
    std::vector<DigestAlgorithm> algorithms;
    for (std::size_t i = 0; i < kAll.size(); ++i) {
      if ((chosen >> i & 1) != 0) algorithms.push_back(kAll[i]);
    }
    EXPECT_EQ(group_of(algorithms, text), one_by_one(algorithms, text)) << "choice " << chosen;
  }
}

TEST(DigestGroup, DoesNotDependOnHowTheStreamIsCut) {
  const std::string text = bytes_of_length(70'001);
  const Digests whole = one_by_one(kAll, text);
  for (const std::size_t step : {1u, 3u, 63u, 64u, 65u, 127u, 1000u, 8191u}) {
    DigestGroup group(kAll);
    for (std::size_t at = 0; at < text.size(); at += step) {
      const std::string_view piece = std::string_view(text).substr(at, step);
      group.update(std::as_bytes(std::span(piece)));
    }
    EXPECT_EQ(group.finish(), whole) << "in steps of " << step;
  }
}

TEST(DigestGroup, SurvivesAMoveInTheMiddle) {
  const std::string_view text = "abc";
  DigestGroup first(kAll);
  first.update(std::as_bytes(std::span(text.substr(0, 1))));
  DigestGroup second(std::move(first));
  second.update(std::as_bytes(std::span(text.substr(1))));
  EXPECT_EQ(second.finish(), one_by_one(kAll, text));
}

/// `count` streams of lengths around `size`, some of which have begun before.
void expect_same_together(std::size_t count, std::size_t size,
                          const std::vector<DigestAlgorithm>& algorithms) {
  std::vector<std::string> texts;
  std::vector<DigestGroup> groups;
  std::vector<DigestStep> steps;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(bytes_of_length(size + i * 97 % 1000));
    groups.emplace_back(algorithms);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t before = i % 5 == 3 ? 100 : i % 5 == 4 ? 128 : 0;
    const auto bytes = std::as_bytes(std::span(texts[i]));
    groups[i].update(bytes.first(std::min(before, bytes.size())));
    steps.push_back({groups[i], bytes.subspan(std::min(before, bytes.size()))});
  }
  update_together(steps);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(groups[i].finish(), one_by_one(algorithms, texts[i])) << i << " of " << count;
  }
}

TEST(DigestGroup, GivesManyStreamsAtOnceWhatItGivesEachAlone) {
  for (std::size_t count = 0; count <= 40; ++count) {
    expect_same_together(count, 3000, kAll);
    expect_same_together(count, 3000, {md5, sha1});
    expect_same_together(count, 3000, {md5, sha256});
  }
  for (const std::size_t size : {0u, 1u, 63u, 64u, 100'000u}) expect_same_together(16, size, kAll);
  for (const auto& algorithms :
       std::vector<std::vector<DigestAlgorithm>>{{md5}, {sha512}, {md5, sha256}, {sha1, sha256}}) {
    expect_same_together(16, 5000, algorithms);
  }
}

TEST(DigestGroup, TakesDifferentGroupsTogether) {
  const std::string text = bytes_of_length(10'000);
  const auto bytes = std::as_bytes(std::span(text));
  DigestGroup one({md5, sha256});
  DigestGroup two({sha512});
  DigestGroup three(kAll);
  const std::vector<DigestStep> steps = {{one, bytes}, {two, bytes}, {three, bytes}};
  update_together(steps);
  EXPECT_EQ(one.finish(), one_by_one({md5, sha256}, text));
  EXPECT_EQ(two.finish(), one_by_one({sha512}, text));
  EXPECT_EQ(three.finish(), one_by_one(kAll, text));
}

TEST(DigestGroups, HoldEachAlgorithmExactlyOnce) {
  for (unsigned chosen = 0; chosen < 16; ++chosen) {
    std::vector<DigestAlgorithm> algorithms;
    for (std::size_t i = 0; i < kAll.size(); ++i) {
      if ((chosen >> i & 1) != 0) algorithms.push_back(kAll[i]);
    }
    std::vector<DigestAlgorithm> grouped;
    for (const auto& group : digest_groups(algorithms)) {
      EXPECT_FALSE(group.empty());
      grouped.insert(grouped.end(), group.begin(), group.end());
    }
    std::ranges::sort(grouped);
    EXPECT_EQ(grouped, algorithms);
  }
}

TEST(DigestGroups, PutWithMd5WhatThenCostsNothing) {
  if (!detail::fused_digests_supported()) GTEST_SKIP() << "the processor has no SHA instructions";
  EXPECT_EQ(digest_groups({sha256, sha512, md5, sha1}),
            (std::vector<std::vector<DigestAlgorithm>>{{md5, sha256, sha1}, {sha512}}));
}

}  // namespace
}  // namespace visor
