#include "sign/sigv2_signer.h"

#include <gtest/gtest.h>

namespace visor::sign {
namespace {

const SigV2Signer kAmazons{"AKIAIOSFODNN7EXAMPLE",
                           Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")};

std::string signature_of(const RequestHead& head, std::string_view date,
                         std::string_view bucket = {}) {
  return sigv2_authorization(head, kAmazons, date, bucket);
}

// Amazon's published examples, as far as no other word is said.
TEST(SigV2, SignsAnObjectOfAVirtualHost) {
  const RequestHead head{"GET", "/photos/puppy.jpg", "", {}};
  EXPECT_EQ(signature_of(head, "Tue, 27 Mar 2007 19:36:42 +0000", "johnsmith"),
            "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU=");
}

TEST(SigV2, SignsTypeDigestAndAmazonsHeaders) {
  const std::vector<Header> headers{
      {"Host", "static.johnsmith.net:8080"},
      {"x-amz-acl", "public-read"},
      {"Content-Type", "application/x-download"},
      {"Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="},
      {"X-Amz-Meta-ReviewedBy", "joe@johnsmith.net"},
      {"X-Amz-Meta-ReviewedBy", "jane@johnsmith.net"},
      {"X-Amz-Meta-FileChecksum", "0x02661779"},
      {"X-Amz-Meta-ChecksumAlgorithm", "crc32"},
      {"Content-Length", "5913339"},
  };
  const RequestHead head{"PUT", "/db-backup.dat.gz", "", headers};
  EXPECT_EQ(signature_of(head, "Tue, 27 Mar 2007 21:06:08 +0000", "static.johnsmith.net"),
            "AWS AKIAIOSFODNN7EXAMPLE:ilyl83RwaSoYIEdixDQcA4OnAnc=");
}

TEST(SigV2, SignsAListingWithoutItsFilters) {
  const RequestHead head{"GET", "/", "prefix=photos&max-keys=50&marker=puppy", {}};
  EXPECT_EQ(signature_of(head, "Tue, 27 Mar 2007 19:42:41 +0000", "johnsmith"),
            "AWS AKIAIOSFODNN7EXAMPLE:htDYFYduRNen8P9ZfE/s9SuKy0U=");
}

TEST(SigV2, SignsASubresource) {
  const RequestHead head{"GET", "/", "acl", {}};
  EXPECT_EQ(signature_of(head, "Tue, 27 Mar 2007 19:44:46 +0000", "johnsmith"),
            "AWS AKIAIOSFODNN7EXAMPLE:c2WLPFtWHVgbEmeEG93a4cG37dM=");
}

// The expected signature was computed with Python's hmac.
TEST(SigV2, SignsSubresourcesInTheirOrderDecoded) {
  const RequestHead head{"PUT", "/bucket/key", "uploadId=a%2Bb&x=y&partNumber=3", {}};
  EXPECT_EQ(signature_of(head, "Tue, 27 Mar 2007 19:44:46 GMT"),
            "AWS AKIAIOSFODNN7EXAMPLE:e7XNpmBsxyl8OKITtgOWJpBnEV0=");
  EXPECT_EQ(sigv2_subresources("uploads"), "?uploads");
  EXPECT_EQ(sigv2_subresources("uploads="), "?uploads=");
  EXPECT_EQ(sigv2_subresources("x=1&Acl&list-type=2"), "");
  EXPECT_EQ(sigv2_subresources(""), "");
}

TEST(SigV2, PutsTheDateItSignsIntoTheRequest) {
  const RequestHead head{"GET", "/photos/puppy.jpg", "", {}};
  auto headers = sign_sigv2(head, kAmazons, *parse_iso_time("2007-03-27T19:36:42Z"), "johnsmith");
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->front().second, "Tue, 27 Mar 2007 19:36:42 GMT");
  EXPECT_EQ(headers->back().second,
            signature_of(head, "Tue, 27 Mar 2007 19:36:42 GMT", "johnsmith"));
}

TEST(SigV2, SignsNoRequestTwice) {
  const std::vector<Header> headers{{"Date", "then"}};
  EXPECT_FALSE(sign_sigv2({"GET", "/", "", headers}, kAmazons, Time{}));
}

}  // namespace
}  // namespace visor::sign
