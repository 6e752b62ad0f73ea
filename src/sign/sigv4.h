// AWS Signature Version 4: reading and verifying.
//
// Both ways of sending it are understood: the Authorization header and the presigned URL. Every
// header that the service acts on must be signed: `host`, and all that are there whose names start
// with x-amz-, x-image-meta- or x-visor- (with '_' for
// '-' as well); else somebody on the way could add an attribute to a request that they can't sign.
// A path with '.' or '..' for a segment is refused, though signers fold them: one signature would
// be good for many paths.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "sign/payload.h"
#include "sign/request_head.h"
#include "sign/signing_keys.h"
#include "sign/sigv4_canonical.h"
#include "sign/skew.h"

namespace visor::sign {

/// Whether a header signature may leave the body out (UNSIGNED-PAYLOAD,
/// STREAMING-UNSIGNED-PAYLOAD-TRAILER). Over plain HTTP whoever sits on the way could exchange such
/// a body. A presigned URL never knows its body.
enum class UnsignedPayload { refused, over_tls, allowed };

/// What a verifier insists on.
struct SigV4Rules {
  std::string service = "visor";
  std::optional<std::string> region;  ///< nothing: any region will do
  PathForm path_form = PathForm::normalised;
  std::chrono::seconds window = kDefaultWindow;
  /// The longest life of a presigned URL; at most kLongestPresigned.
  std::chrono::seconds presigned_limit = std::chrono::hours(24);
  UnsignedPayload unsigned_payload = UnsignedPayload::over_tls;
  /// Headers with these prefixes (lower case, dashes) must be signed.
  std::vector<std::string> signed_prefixes = {"x-amz-", "x-image-meta-", "x-visor-"};
};

/// AWS's own limit on X-Amz-Expires: seven days.
inline constexpr std::chrono::seconds kLongestPresigned{604800};

/// What a request says about its signature; nothing of it is proven yet.
struct SigV4Claim {
  std::string access_key;
  CredentialScope scope;
  std::string timestamp;  ///< YYYYMMDDTHHMMSSZ
  std::vector<std::string> signed_headers;
  std::string signature;
  std::string payload;  ///< what stands for the body; empty if the request does not say
  bool presigned = false;
  Time expires;  ///< from when on the same signature is refused for its age
};

bool is_sigv4_authorization(std::string_view authorization);
/// Whether the query carries a presigned signature, or what looks like parts of one.
bool is_presigned(std::string_view query);
/// Whether a query parameter (decoded) belongs to the signature and is no filter.
bool is_signature_parameter(std::string_view name);

/// Whether the signature can only be checked with the SHA-256 of the whole body: a header signature
/// that says nothing of the payload. The front end then reads bodies up to kLargestHashedBody ahead
/// and puts the hash into BodyFacts.
bool needs_body_hash(const RequestHead& head);

/// Reads the claim and checks all that needs no secret: form, scope, time, which headers are
/// signed. The messages say what is wrong. Error codes: `unauthenticated`, and `invalid` for a
/// repeated header.
Result<SigV4Claim> read_sigv4(const RequestHead& head, const SigV4Rules& rules, Time now);

/// Whether the claim was signed with `secret`, in constant time, and what is left to check while
/// the body is read. `unauthenticated` if not; `too_large` if the signature needs the hash of a
/// body that was not read ahead.
Result<PayloadCheck> verify_sigv4(const RequestHead& head, const SigV4Rules& rules,
                                  const SigV4Claim& claim, const BodyFacts& body,
                                  const Secret& secret);
/// The same for a secret that is used often.
Result<PayloadCheck> verify_sigv4(const RequestHead& head, const SigV4Rules& rules,
                                  const SigV4Claim& claim, const BodyFacts& body,
                                  const SigningKeys& keys);

}  // namespace visor::sign
