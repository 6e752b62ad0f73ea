#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace visor {
namespace {

TEST(Digest, MatchesThePublishedVectors) {
  // RFC 1321 A.5; FIPS 180-4 examples.
  EXPECT_EQ(digest_hex(DigestAlgorithm::md5, ""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(digest_hex(DigestAlgorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(digest_hex(DigestAlgorithm::md5, "message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(digest_hex(DigestAlgorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest_hex(DigestAlgorithm::sha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_hex(DigestAlgorithm::sha256,
                       "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_hex(DigestAlgorithm::sha512, "abc"),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Digest, OfAMillionCharactersMatchesWhateverTheSlices) {
  Digester digester(DigestAlgorithm::sha256);
  const std::string text(1000000, 'a');
  std::size_t size = 1;
  for (std::size_t at = 0; at < text.size(); at += size, size = size * 3 % 8191 + 1) {
    digester.update(std::string_view(text).substr(at, size));
  }
  EXPECT_EQ(digester.finish_hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, SurvivesAMoveInTheMiddle) {
  Digester first(DigestAlgorithm::sha1);
  first.update("a");
  Digester second(std::move(first));
  second.update("bc");
  EXPECT_EQ(second.algorithm(), DigestAlgorithm::sha1);
  EXPECT_EQ(second.finish_hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, GivesRawBytesOfTheRightLength) {
  EXPECT_EQ(Digester(DigestAlgorithm::md5).finish().size(), 16U);
  EXPECT_EQ(Digester(DigestAlgorithm::sha512).finish().size(), 64U);
}

TEST(DigestDeathTest, StopsTheProcessRatherThanGoOnAfterTheEnd) {
  Digester digester(DigestAlgorithm::md5);
  digester.finish();
  EXPECT_DEATH(digester.update("more"), "finished digest was fed");
  EXPECT_DEATH(digester.finish(), "finished twice");
}

TEST(DigestAlgorithmNames, AreReadBackExactly) {
  for (const auto algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha1, DigestAlgorithm::sha256,
                               DigestAlgorithm::sha512}) {
    EXPECT_EQ(parse_digest_algorithm(to_string(algorithm)), algorithm);
  }
  EXPECT_FALSE(parse_digest_algorithm("SHA256"));
  EXPECT_FALSE(parse_digest_algorithm("sha-256"));
  EXPECT_FALSE(parse_digest_algorithm(""));
}

TEST(Hmac, MatchesRfc2202AndRfc4231) {
  const std::string key(20, '\x0b');
  EXPECT_EQ(to_hex(hmac(DigestAlgorithm::sha1, key, "Hi There")),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(to_hex(hmac(DigestAlgorithm::sha1, "Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(hmac(DigestAlgorithm::sha256, key, "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac(DigestAlgorithm::sha256, std::string(131, '\xaa'),
                        "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKeyForEmptyAndNotForTheLastOne) {
  (void)hmac(DigestAlgorithm::sha256, "some other key", "");
  EXPECT_EQ(to_hex(hmac(DigestAlgorithm::sha256, {}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ConstantTimeComparison, TellsEqualFromDifferent) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secres"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secret "));
  EXPECT_FALSE(equal_in_constant_time("", "x"));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

}  // namespace
}  // namespace visor
