// Signatures made with temporary credentials, which the server's own verifier takes from nobody.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/secret.h"
#include "sign/sigv4_signer.h"

namespace visor::testing_support {

/// Whether a request of S3 is what its key's holder would have signed, token included: by a header,
/// or by its query as a presigned URL. Whether it is the right token is not asked.
inline bool is_signed_with_token(const sign::RequestHead& head, const std::string& access_key,
                                 const std::string& secret) {
  const sign::SigV4Signer signer{access_key, Secret(secret), "us-east-1", "s3",
                                 sign::PathForm::as_sent};
  std::string_view authorization = head.header("authorization").value_or("");
  if (authorization.empty()) {
    const auto added = head.query.find("&X-Amz-Algorithm=");
    const auto date = head.query.find("&X-Amz-Date=");
    const auto expires = head.query.find("&X-Amz-Expires=");
    if (added == std::string_view::npos || date == std::string_view::npos ||
        expires == std::string_view::npos || head.query.find("X-Amz-Security-Token=") > added) {
      return false;
    }
    const auto time = parse_basic_time(head.query.substr(date + 12, 16));
    const auto seconds = std::stol(std::string(head.query.substr(expires + 15)));
    const sign::Header host{"host", head.header("host").value_or("")};
    const sign::RequestHead plain{
        head.method, head.path, head.query.substr(0, added), {&host, 1}, head.secure};
    const auto query = sign::presign(plain, signer, *time, std::chrono::seconds(seconds));
    return query && *query == head.query;
  }
  const std::string_view start = "SignedHeaders=";
  const auto at = authorization.find(start);
  if (at == std::string_view::npos) return false;
  const auto list = authorization.substr(at + start.size());
  const std::string names = ";" + std::string(list.substr(0, list.find(','))) + ";";
  if (names.find(";x-amz-security-token;") == std::string::npos) return false;
  std::vector<sign::Header> headers;
  for (const sign::Header& header : head.headers) {
    const std::string name = to_lower(header.name);
    const bool added = name == "x-amz-date" || name == "x-amz-content-sha256";
    if (!added && names.find(";" + name + ";") != std::string::npos) headers.push_back(header);
  }
  const auto time = parse_basic_time(head.header("x-amz-date").value_or(""));
  if (!time) return false;
  const sign::RequestHead plain{head.method, head.path, head.query, headers, head.secure};
  const auto lines =
      sign::sign_sigv4(plain, signer, *time, head.header("x-amz-content-sha256").value_or(""));
  return lines && std::ranges::find(*lines, std::pair(std::string("authorization"),
                                                      std::string(authorization))) != lines->end();
}

}  // namespace visor::testing_support
