// The texts of AWS Signature Version 4, shared by who signs and who verifies.
//
// Source: AWS, "Create a signed AWS API request" (IAM user guide) and "Signature Calculations for
// the Authorization Header" (S3 API reference).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "sign/request_head.h"

namespace visor::sign {

inline constexpr std::string_view kSigV4Algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingPayloadTrailer =
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// Hex SHA-256 of nothing.
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// How the path enters the canonical request: S3 takes it as it is sent; every other service folds
/// "//", "." and ".." and encodes the sent form once more.
enum class PathForm { normalised, as_sent };

/// date/region/service/aws4_request.
struct CredentialScope {
  std::string date;  ///< YYYYMMDD
  std::string region;
  std::string service;

  std::string text() const;
  friend bool operator==(const CredentialScope&, const CredentialScope&) = default;
};

std::string canonical_path(std::string_view path, PathForm form);

/// The query, each name and value decoded and encoded again in the one right way, sorted, without
/// X-Amz-Signature.
/// '+' is a plus. Nothing if a '%' is not followed by two hex digits.
std::optional<std::string> canonical_query(std::string_view query);
/// The same with names and values left as they were sent: what botocore and curl sign if the URL
/// was not encoded by the book.
std::string sorted_query(std::string_view query);

/// `signed_headers` are in lower case and sorted. Nothing if one of them is not in the head.
std::optional<std::string> canonical_request(const RequestHead& head, PathForm form,
                                             std::string_view query,
                                             const std::vector<std::string>& signed_headers,
                                             std::string_view payload_hash);

std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope,
                           std::string_view canonical_request);

/// The key for one day, region and service; all that a worker needs to know.
Secret signing_key(const Secret& secret, const CredentialScope& scope);

/// Lower-case hex of the HMAC-SHA256.
std::string sigv4_signature(const Secret& key, std::string_view text);

}  // namespace visor::sign
