// AWS Signature Version 4: the client's side.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "sign/chunked_payload.h"
#include "sign/request_head.h"
#include "sign/sigv4_canonical.h"

namespace visor::sign {

/// Whose signature, and for what.
struct SigV4Signer {
  std::string access_key;
  Secret secret;
  std::string region = "us-east-1";
  std::string service = "visor";
  PathForm path_form = PathForm::normalised;
};

/// Headers to put into a request, with names in lower case.
using SignedHeaders = std::vector<std::pair<std::string, std::string>>;

/// The headers x-amz-date, x-amz-content-sha256 and authorization for a request. `payload` is the
/// body's SHA-256 in lower-case hex, kUnsignedPayload or one of the streaming words. All headers of
/// the head are signed but those that the parties on the way may change (connection, expect,
/// user-agent, transfer-encoding, …); the head must carry host, must not carry the three itself,
/// and its query must be percent-encoded. `invalid` otherwise.
Result<SignedHeaders> sign_sigv4(const RequestHead& head, const SigV4Signer& signer, Time now,
                                 std::string_view payload);

/// What the chunks of a body need whose head was signed with kStreamingPayload: `headers` is what
/// sign_sigv4 returned.
Result<ChunkSigning> chunk_signing(const SigV4Signer& signer, const SignedHeaders& headers,
                                   std::uint64_t decoded_length);

/// The whole query (without '?') of a presigned URL for `head`, good for `expires` (1 s to 7 days)
/// from `now`. Only the headers of the head are signed: usually host alone. The body is not bound.
Result<std::string> presign(const RequestHead& head, const SigV4Signer& signer, Time now,
                            std::chrono::seconds expires);

}  // namespace visor::sign
