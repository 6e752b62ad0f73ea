#include <gtest/gtest.h>

#include "sign/sigv4_signer.h"

namespace visor::sign {
namespace {

// Amazon's published examples for S3 ("Authenticating Requests: Using the Authorization Header").
const SigV4Signer kAmazons{"AKIAIOSFODNN7EXAMPLE",
                           Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "us-east-1", "s3",
                           PathForm::as_sent};

std::string signature_of(const RequestHead& head, std::string_view payload) {
  auto headers = sign_sigv4(head, kAmazons, *parse_basic_time("20130524T000000Z"), payload);
  if (!headers) return headers.error().message;
  const std::string& authorization = headers->back().second;
  return authorization.substr(authorization.rfind('=') + 1);
}

TEST(SigV4ForS3, SignsAnUploadWithItsPayloadsHash) {
  const std::vector<Header> headers{{"Host", "examplebucket.s3.amazonaws.com"},
                                    {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                    {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  EXPECT_EQ(signature_of({"PUT", "/test%24file.text", "", headers},
                         "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4ForS3, SignsSubresourcesAndFilters) {
  const std::vector<Header> headers{{"Host", "examplebucket.s3.amazonaws.com"}};
  EXPECT_EQ(signature_of({"GET", "/", "lifecycle", headers}, kEmptySha256),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature_of({"GET", "/", "max-keys=2&prefix=J", headers}, kEmptySha256),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4ForS3, SignsTheSessionTokenWithTheRest) {
  const std::vector<Header> headers{{"Host", "b.example.org"}, {"x-amz-security-token", "abc"}};
  auto signed_headers = sign_sigv4({"GET", "/k", "", headers}, kAmazons, Time{}, kUnsignedPayload);
  ASSERT_TRUE(signed_headers);
  EXPECT_NE(signed_headers->back().second.find(
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"),
            std::string::npos);
}

}  // namespace
}  // namespace visor::sign
