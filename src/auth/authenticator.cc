#include "auth/authenticator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"

namespace visor::auth {
namespace {

// Base64 of the MD5 of nothing.
constexpr std::string_view kEmptyMd5 = "1B2M2Y8AsgTpgAmY7PhCfg==";

Result<std::string> content_md5(const sign::RequestHead& head, const sign::BodyFacts& body) {
  auto value = head.single("content-md5");
  if (!value) return pass(value);
  if (!*value || (*value)->empty()) return std::string();
  // Nobody reads a body that isn't there, so nobody would notice that it is not the one meant.
  if (!body.has_body && **value != kEmptyMd5) {
    return fail(Code::invalid, "Content-MD5 is of a body, and there is none.", "auth.content_md5");
  }
  if (!body.has_body) return std::string();
  if (sign::valid_content_md5(**value)) return std::string(**value);
  return fail(Code::invalid, "Content-MD5 must be the base64 text of an MD5 digest (RFC 1864).",
              "auth.content_md5");
}

bool changes_something(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

}  // namespace

std::string_view to_string(Scheme scheme) {
  switch (scheme) {
    case Scheme::anonymous:
      return "anonymous";
    case Scheme::visor:
      return "visor";
    case Scheme::sigv4_header:
      return "sigv4";
    case Scheme::sigv4_presigned:
      return "sigv4-presigned";
  }
  return "anonymous";
}

std::string claimed_access_key(const sign::RequestHead& head) {
  static constexpr std::size_t kLongest = 256;
  const auto credential_in = [](std::string_view text, std::string_view name,
                                std::string_view ends) -> std::string_view {
    const std::size_t start = text.find(name);
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start + name.size());
    return text.substr(0, std::min(text.find_first_of(ends), kLongest));
  };
  if (const auto authorization = head.header("authorization")) {
    if (sign::is_sigv4_authorization(*authorization)) {
      return std::string(credential_in(*authorization, "Credential=", "/, "));
    }
    if (!sign::is_visor_authorization(*authorization)) return {};
    const auto claim = sign::parse_visor_authorization(*authorization);
    return claim ? claim->access_key.substr(0, kLongest) : std::string();
  }
  const std::string_view encoded = credential_in(head.query, "X-Amz-Credential=", "&");
  const std::string decoded = percent_decode(encoded).value_or(std::string(encoded));
  return decoded.substr(0, decoded.find('/'));
}

Authenticator::Authenticator(Accounts& accounts, AuthenticatorOptions options, const Clock& clock)
    : accounts_(accounts),
      options_(std::move(options)),
      clock_(clock),
      nobody_({}, false, Secret(to_base64url(random_bytes(30)))),
      replays_(options_.replay_limit) {}

async::Task<Result<Identity>> Authenticator::identify(sign::RequestHead head,
                                                      sign::BodyFacts body) {
  auto claim = read_claim(head);
  if (!claim) co_return pass(claim);
  if (claim->scheme == Scheme::anonymous) co_return verify(head, body, *claim, nullptr);
  auto credentials = co_await accounts_.credentials(claim->access_key());
  if (!credentials) co_return pass(credentials);
  co_return verify(head, body, *claim, credentials->get());
}

std::optional<Result<Identity>> Authenticator::identify_at_once(const sign::RequestHead& head,
                                                                const sign::BodyFacts& body) {
  auto claim = read_claim(head);
  if (!claim) return pass(claim);
  if (claim->scheme == Scheme::anonymous) return verify(head, body, *claim, nullptr);
  const auto credentials = accounts_.credentials_at_hand(claim->access_key());
  if (!credentials) return std::nullopt;
  return verify(head, body, *claim, credentials->get());
}

Result<Authenticator::Claim> Authenticator::read_claim(const sign::RequestHead& head) const {
  Claim claim;
  const auto authorization = head.header("authorization");
  if (sign::is_presigned(head.query) ||
      (authorization && sign::is_sigv4_authorization(*authorization))) {
    claim.now = clock_.now();
    auto read = sign::read_sigv4(head, options_.sigv4, claim.now);
    if (!read) return pass(read);
    claim.scheme = read->presigned ? Scheme::sigv4_presigned : Scheme::sigv4_header;
    claim.sigv4 = std::move(*read);
  } else if (authorization && sign::is_visor_authorization(*authorization)) {
    if (!options_.visor_scheme) {
      return fail(Code::unauthenticated,
                  "The VISOR signature scheme is switched off here; sign the request with AWS "
                  "Signature Version 4 for the service '" +
                      options_.sigv4.service + "'.",
                  "auth.visor");
    }
    auto single = head.single("authorization");
    if (!single) return pass(single);
    auto read = sign::parse_visor_authorization(**single);
    if (!read) return pass(read);
    claim.now = clock_.now();
    if (auto date = sign::check_visor_date(head, claim.now, options_.visor_window); !date) {
      return pass(date);
    }
    claim.scheme = Scheme::visor;
    claim.visor = std::move(*read);
  } else if (authorization) {
    return fail(Code::unauthenticated,
                "The Authorization header's scheme is not known here; sign the request with "
                "AWS4-HMAC-SHA256 or VISOR.",
                "auth.scheme");
  } else if (!options_.anonymous) {
    return fail(Code::unauthenticated, "This request must be signed with an access key.",
                "auth.anonymous");
  }
  return claim;
}

Result<Identity> Authenticator::verify(const sign::RequestHead& head, const sign::BodyFacts& body,
                                       const Claim& claim, const Credentials* known) {
  auto md5 = content_md5(head, body);
  if (!md5) return pass(md5);
  Identity identity;
  identity.scheme = claim.scheme;
  const Credentials& credentials = known ? *known : nobody_;
  if (claim.scheme == Scheme::visor) {
    auto verified = sign::verify_visor(head, body.has_body, claim.visor, credentials.secret());
    if (!verified) return pass(verified);
  } else if (claim.scheme != Scheme::anonymous) {
    auto verified = sign::verify_sigv4(head, options_.sigv4, claim.sigv4, body, credentials.keys);
    if (!verified) return pass(verified);
    identity.payload = std::move(*verified);
  }
  identity.payload.content_md5 = std::move(*md5);
  if (claim.scheme == Scheme::anonymous) return identity;
  if (!credentials.enabled) return sign::refuse("auth: unknown or disabled account");
  if (claim.scheme != Scheme::visor && options_.refuse_replays && changes_something(head.method)) {
    auto admitted = replays_.admit(claim.sigv4.signature, claim.sigv4.expires, claim.now);
    if (!admitted) return pass(admitted);
  }
  identity.principal = credentials.principal;
  return identity;
}

}  // namespace visor::auth
