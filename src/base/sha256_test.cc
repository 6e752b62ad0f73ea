#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"

namespace visor {
namespace {

TEST(Sha256, GivesWhatTheStandardSays) {
  // FIPS 180-4's examples.
  EXPECT_EQ(text_of(hex_of(sha256("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(text_of(hex_of(sha256(""))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, TakesATextInTwoPieces) {
  const std::string text(300, 'x');
  for (const std::size_t cut : {0, 1, 64, 299, 300}) {
    EXPECT_EQ(sha256(std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)),
              sha256(text));
  }
}

TEST(HmacSha256, GivesWhatTheGeneralOneGivesForKeysOfAllLengths) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string key(length, static_cast<char>('a' + length % 26));
    const std::string text(length * 3, 't');
    EXPECT_EQ(bytes_of(hmac_sha256(key, text)), hmac(DigestAlgorithm::sha256, key, text)) << length;
  }
}

TEST(Sha256, IsComputedByManyThreadsAtOnce) {
  const Sha256Sum expected = sha256("the same text");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&expected] {
      for (int round = 0; round < 200; ++round) EXPECT_EQ(sha256("the same text"), expected);
    });
  }
}

}  // namespace
}  // namespace visor
