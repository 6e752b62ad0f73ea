#include "sign/visor_scheme.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "sign/skew.h"

namespace visor::sign {
namespace {

constexpr std::string_view kScheme = "VISOR";
constexpr std::string_view kAttributePrefix = "x-image-meta-";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
constexpr std::size_t kSignatureLength = 28;  // base64 of 20 bytes

std::unexpected<Error> malformed(std::string_view reason) {
  return fail(Code::unauthenticated,
              "The Authorization header must read 'VISOR <access_key>:<signature>'; " +
                  std::string(reason) + ".",
              "sign.visor");
}

bool is_form_type(std::string_view type) {
  const std::string_view essence = trim(type.substr(0, type.find(';')));
  return equal_ignoring_case(essence, kFormType);
}

// The date is signed and only checked for being near: which of the usual forms it has does not
// matter, and clients that wrote it in their language's own way were never told.
std::optional<Time> parse_date(std::string_view text) {
  if (auto time = parse_http_time(text)) return time;
  if (auto time = parse_visor_time(text)) return time;
  return parse_iso_time(text);
}

std::string signature_of(std::string_view description, const Secret& secret) {
  return to_base64(hmac(DigestAlgorithm::sha1, secret.reveal(), description));
}

}  // namespace

bool is_visor_authorization(std::string_view authorization) {
  return authorization.starts_with(kScheme) &&
         (authorization.size() == kScheme.size() || authorization[kScheme.size()] == ' ');
}

Result<VisorClaim> parse_visor_authorization(std::string_view authorization) {
  if (!is_visor_authorization(authorization)) return malformed("the scheme is another one");
  const std::string_view rest = trim(authorization.substr(kScheme.size()));
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return malformed("the colon is missing");
  const std::string_view key = rest.substr(0, colon);
  const std::string_view signature = rest.substr(colon + 1);
  if (key.empty()) return malformed("the access key is empty");
  if (key.size() > 64) return malformed("the access key is longer than 64 characters");
  if (key.find_first_of(" \t") != std::string_view::npos) {
    return malformed("the access key contains a blank");
  }
  if (signature.size() != kSignatureLength) {
    return malformed("the signature must be 28 characters of base64");
  }
  return VisorClaim{std::string(key), std::string(signature)};
}

Result<std::string> visor_description(const RequestHead& head, bool has_body) {
  // Sorted by name; of one name, in the order of the wire.
  std::multimap<std::string, std::string> lines;
  for (const std::string_view name : {"content-md5", "content-type", "date"}) {
    auto value = head.single(name);
    if (!value) return pass(value);
    std::string_view text = value->value_or(std::string_view{});
    if (name == "date" && !value->has_value()) continue;
    if (name == "content-type" && !has_body && is_form_type(text)) text = {};
    lines.emplace(name, text);
  }
  for (const Header& header : head.headers) {
    if (!has_prefix(header.name, kAttributePrefix)) continue;
    std::string name = to_lower(header.name);
    std::string text = name + ":" + std::string(trim(header.value));
    lines.emplace(std::move(name), std::move(text));
  }

  std::string description(head.method);
  std::transform(description.begin(), description.end(), description.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  description += '\n';
  for (const auto& [name, text] : lines) description.append(text).append("\n");
  description += head.path;
  return description;
}

Result<std::string> sign_visor(const RequestHead& head, bool has_body, std::string_view access_key,
                               const Secret& secret) {
  auto description = visor_description(head, has_body);
  if (!description) return pass(description);
  return std::string(kScheme) + " " + std::string(access_key) + ":" +
         signature_of(*description, secret);
}

Result<void> check_visor_date(const RequestHead& head, Time now, std::chrono::seconds window) {
  auto date = head.single("date");
  if (!date) return pass(date);
  if (!date->has_value() || (*date)->empty()) {
    return fail(Code::unauthenticated,
                "A request that is signed with the VISOR scheme needs a Date header.",
                "sign.visor");
  }
  const auto time = parse_date(**date);
  if (!time) {
    return fail(
        Code::unauthenticated,
        "The Date header cannot be read; it must look like '" + format_http_time(now) + "'.",
        "sign.visor");
  }
  return check_skew(*time, now, window);
}

Result<void> verify_visor(const RequestHead& head, bool has_body, const VisorClaim& claim,
                          const Secret& secret) {
  auto description = visor_description(head, has_body);
  if (!description) return pass(description);
  // The texts are compared, not what they decode to: base64 has several texts for one value.
  if (!equal_in_constant_time(signature_of(*description, secret), claim.signature)) {
    return refuse("sign.visor: wrong signature");
  }
  return {};
}

}  // namespace visor::sign
