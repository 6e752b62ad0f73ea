#include "sign/sigv2_signer.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "sign/sigv4_parts.h"

namespace visor::sign {
namespace {

constexpr std::array<std::string_view, 26> kSubresources{"acl",
                                                         "cors",
                                                         "delete",
                                                         "lifecycle",
                                                         "location",
                                                         "logging",
                                                         "notification",
                                                         "partNumber",
                                                         "policy",
                                                         "requestPayment",
                                                         "response-cache-control",
                                                         "response-content-disposition",
                                                         "response-content-encoding",
                                                         "response-content-language",
                                                         "response-content-type",
                                                         "response-expires",
                                                         "restore",
                                                         "tagging",
                                                         "torrent",
                                                         "uploadId",
                                                         "uploads",
                                                         "versionId",
                                                         "versioning",
                                                         "versions",
                                                         "website",
                                                         "x-amz-security-token"};

/// "name:value,value\n" of each x-amz-* header, sorted by name.
std::string amazon_headers(const RequestHead& head) {
  std::map<std::string, std::string> by_name;
  for (const Header& header : head.headers) {
    std::string name = to_lower(header.name);
    if (!name.starts_with("x-amz-")) continue;
    std::string& value = by_name[std::move(name)];
    if (!value.empty()) value += ',';
    value += trim(header.value);
  }
  std::string text;
  for (const auto& [name, value] : by_name) text += name + ":" + value + "\n";
  return text;
}

}  // namespace

std::string sigv2_subresources(std::string_view query) {
  std::vector<std::string> parameters;
  each_piece(query, '&', [&parameters](std::string_view piece) {
    const auto equals = piece.find('=');
    const std::string_view name = piece.substr(0, equals);
    if (std::ranges::find(kSubresources, name) == kSubresources.end()) return true;
    std::string parameter(name);
    if (equals != std::string_view::npos) {
      const std::string_view value = piece.substr(equals + 1);
      parameter.append("=").append(percent_decode(value).value_or(std::string(value)));
    }
    parameters.push_back(std::move(parameter));
    return true;
  });
  std::ranges::sort(parameters);
  std::string text;
  for (const std::string& parameter : parameters) {
    text.append(text.empty() ? "?" : "&").append(parameter);
  }
  return text;
}

Result<SignedHeaders> sign_sigv2(const RequestHead& head, const SigV2Signer& signer, Time now,
                                 std::string_view bucket) {
  for (const std::string_view name : {"date", "x-amz-date", "authorization"}) {
    if (head.header(name)) {
      return fail(Code::invalid, "The request to sign carries " + std::string(name) + " already.",
                  "sign.signer");
    }
  }
  std::string date = format_http_time(now);
  std::string authorization = sigv2_authorization(head, signer, date, bucket);
  return SignedHeaders{{"date", std::move(date)}, {"authorization", std::move(authorization)}};
}

std::string sigv2_authorization(const RequestHead& head, const SigV2Signer& signer,
                                std::string_view date, std::string_view bucket) {
  std::string text;
  text.append(head.method).append("\n");
  text.append(head.header("content-md5").value_or("")).append("\n");
  text.append(head.header("content-type").value_or("")).append("\n");
  text.append(date).append("\n");
  text.append(amazon_headers(head));
  if (!bucket.empty()) text.append("/").append(bucket);
  text.append(head.path).append(sigv2_subresources(head.query));
  const std::string signature =
      to_base64(hmac(DigestAlgorithm::sha1, signer.secret.reveal(), text));
  return "AWS " + signer.access_key + ":" + signature;
}

}  // namespace visor::sign
