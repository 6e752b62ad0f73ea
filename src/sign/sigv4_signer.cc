#include "sign/sigv4_signer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace visor::sign {
namespace {

constexpr std::chrono::seconds kSevenDays{604800};

// Headers that proxies and client libraries add, change or take away.
constexpr std::array<std::string_view, 10> kUnsignedHeaders{
    "authorization",       "connection", "expect",  "keep-alive",
    "proxy-authorization", "te",         "trailer", "upgrade",
    "transfer-encoding",   "user-agent"};

std::vector<std::string> names_to_sign(const RequestHead& head) {
  std::vector<std::string> names;
  for (const Header& header : head.headers) {
    std::string name = to_lower(header.name);
    if (std::find(kUnsignedHeaders.begin(), kUnsignedHeaders.end(), name) ==
        kUnsignedHeaders.end()) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += ';';
    joined += name;
  }
  return joined;
}

Result<std::string> signature_of(const RequestHead& head, const SigV4Signer& signer,
                                 const CredentialScope& scope, std::string_view timestamp,
                                 const std::vector<std::string>& names, std::string_view payload) {
  const auto query = canonical_query(head.query);
  if (!query) {
    return fail(Code::invalid, "The query to sign has a '%' without two hex digits behind it.",
                "sign.signer");
  }
  const auto request = canonical_request(head, signer.path_form, *query, names, payload);
  if (!request) return fail(Code::internal, "The request cannot be signed.", "sign.signer");
  return sigv4_signature(signing_key(signer.secret, scope),
                         string_to_sign(timestamp, scope, *request));
}

Result<void> check_host(const RequestHead& head) {
  if (head.header("host")) return {};
  return fail(Code::invalid, "A request must have its host header before it is signed.",
              "sign.signer");
}

}  // namespace

Result<SignedHeaders> sign_sigv4(const RequestHead& head, const SigV4Signer& signer, Time now,
                                 std::string_view payload) {
  if (auto host = check_host(head); !host) return pass(host);
  for (const std::string_view name : {"x-amz-date", "x-amz-content-sha256", "authorization"}) {
    if (head.header(name)) {
      return fail(Code::invalid, "The request to sign carries " + std::string(name) + " already.",
                  "sign.signer");
    }
  }
  const std::string timestamp = format_basic_time(now);
  const CredentialScope scope{timestamp.substr(0, 8), signer.region, signer.service};
  std::vector<Header> headers(head.headers.begin(), head.headers.end());
  headers.push_back({"x-amz-date", timestamp});
  headers.push_back({"x-amz-content-sha256", payload});
  RequestHead complete = head;
  complete.headers = headers;
  const auto names = names_to_sign(complete);
  auto signature = signature_of(complete, signer, scope, timestamp, names, payload);
  if (!signature) return pass(signature);
  return SignedHeaders{
      {"x-amz-date", timestamp},
      {"x-amz-content-sha256", std::string(payload)},
      {"authorization", std::string(kSigV4Algorithm) + " Credential=" + signer.access_key + "/" +
                            scope.text() + ", SignedHeaders=" + join(names) +
                            ", Signature=" + *signature}};
}

Result<ChunkSigning> chunk_signing(const SigV4Signer& signer, const SignedHeaders& headers,
                                   std::uint64_t decoded_length) {
  constexpr std::string_view kSignature = "Signature=";
  ChunkSigning signing;
  for (const auto& [name, value] : headers) {
    if (name == "x-amz-date") signing.timestamp = value;
    if (name != "authorization") continue;
    const auto at = value.rfind(kSignature);
    if (at != std::string::npos) signing.seed_signature = value.substr(at + kSignature.size());
  }
  if (signing.timestamp.size() < 8 || signing.seed_signature.empty()) {
    return fail(Code::invalid, "The head must be signed before its chunks are.", "sign.signer");
  }
  const CredentialScope scope{signing.timestamp.substr(0, 8), signer.region, signer.service};
  signing.scope = scope.text();
  signing.key = signing_key(signer.secret, scope);
  signing.decoded_length = decoded_length;
  return signing;
}

Result<std::string> presign(const RequestHead& head, const SigV4Signer& signer, Time now,
                            std::chrono::seconds expires) {
  if (auto host = check_host(head); !host) return pass(host);
  if (expires < std::chrono::seconds(1) || expires > kSevenDays) {
    return fail(Code::invalid, "A presigned URL can be good for 1 second to 7 days.",
                "sign.signer");
  }
  const std::string timestamp = format_basic_time(now);
  const CredentialScope scope{timestamp.substr(0, 8), signer.region, signer.service};
  const auto names = names_to_sign(head);
  std::string query(head.query);
  if (!query.empty()) query += '&';
  query.append("X-Amz-Algorithm=").append(kSigV4Algorithm);
  query.append("&X-Amz-Credential=").append(percent_encode(signer.access_key + "/" + scope.text()));
  query.append("&X-Amz-Date=").append(timestamp);
  query.append("&X-Amz-Expires=").append(std::to_string(expires.count()));
  query.append("&X-Amz-SignedHeaders=").append(percent_encode(join(names)));
  RequestHead complete = head;
  complete.query = query;
  auto signature = signature_of(complete, signer, scope, timestamp, names, kUnsignedPayload);
  if (!signature) return pass(signature);
  return query + "&X-Amz-Signature=" + *signature;
}

}  // namespace visor::sign
