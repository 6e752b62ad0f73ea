// AWS Signature Version 2 for S3: the client's side, for servers that know no other.
//
// Source: AWS, "Signing and authenticating REST requests" (S3 user guide, appendix on Signature
// Version 2). It signs with SHA-1 and leaves most of the query and the body unsigned: use version 4
// wherever the server knows it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "sign/request_head.h"
#include "sign/sigv4_signer.h"

namespace visor::sign {

struct SigV2Signer {
  std::string access_key;
  Secret secret;
};

/// The parameters of a query that name a part of a resource ("acl", "uploadId=…") and so belong to
/// it, sorted; each as it was sent but for its value, which is decoded. "?a&b=c", or empty.
std::string sigv2_subresources(std::string_view query);

/// The value of Authorization for a request whose Date is `date`.
std::string sigv2_authorization(const RequestHead& head, const SigV2Signer& signer,
                                std::string_view date, std::string_view bucket = {});

/// The headers date and authorization for a request. `bucket` is what the host's name says where
/// the path doesn't ("bucket.s3.example.org"); empty if the path begins with it. Of the head's
/// headers content-md5, content-type and all x-amz-* are signed; the head must not carry date,
/// x-amz-date or authorization itself (`invalid`).
Result<SignedHeaders> sign_sigv2(const RequestHead& head, const SigV2Signer& signer, Time now,
                                 std::string_view bucket = {});

}  // namespace visor::sign
