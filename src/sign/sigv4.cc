#include "sign/sigv4.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/sha256.h"
#include "base/units.h"
#include "sign/sigv4_parts.h"

namespace visor::sign {
namespace {

bool is_lower_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// A signer folds "." and ".." away and so signs one text for many paths. The service does not fold
// them, and so knows no path that has them.
bool has_dot_segment(std::string_view path) {
  return !each_piece(path, '/',
                     [](std::string_view segment) { return segment != "." && segment != ".."; });
}

Result<void> read_credential(std::string_view credential, const SigV4Rules& rules,
                             SigV4Claim& claim) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  each_piece(credential, '/', [&](std::string_view part) {
    if (count < parts.size()) parts[count] = part;
    return ++count <= parts.size();
  });
  if (count != parts.size() || parts[4] != "aws4_request") {
    return malformed("its Credential must be <access key>/<date>/<region>/" + rules.service +
                     "/aws4_request");
  }
  if (parts[0].empty() || parts[0].size() > 128) return malformed("its access key is missing");
  if (parts[1].size() != 8) return malformed("the date in its Credential must be YYYYMMDD");
  if (parts[2].empty() || parts[2].size() > 64) return malformed("its region is missing");
  if (parts[3] != rules.service) {
    return malformed("it is for another service than '" + rules.service + "'");
  }
  if (rules.region && parts[2] != *rules.region) {
    return malformed("it is for another region than '" + *rules.region + "'");
  }
  claim.access_key = parts[0];
  claim.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return {};
}

bool has_capital(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<void> list_signed_headers(std::string_view list, SigV4Claim& claim) {
  std::optional<Error> mistake;
  each_piece(list, ';', [&](std::string_view name) {
    if (name.empty() || name.size() > 256 || has_capital(name)) {
      mistake = malformed(
                    "its SignedHeaders must be header names in lower case, with ';' between "
                    "them")
                    .error();
    } else if (!claim.signed_headers.empty() && claim.signed_headers.back() >= name) {
      mistake = malformed("its SignedHeaders must be sorted").error();
    } else {
      claim.signed_headers.emplace_back(name);
    }
    return !mistake;
  });
  if (mistake) return std::unexpected(std::move(*mistake));
  return {};
}

Result<void> read_signed_headers(std::string_view list, const RequestHead& head,
                                 const SigV4Rules& rules, SigV4Claim& claim) {
  if (auto listed = list_signed_headers(list, claim); !listed) return listed;
  const auto is_signed = [&claim](std::string_view name) {
    return std::binary_search(claim.signed_headers.begin(), claim.signed_headers.end(), name,
                              std::less<>());
  };
  if (!is_signed("host")) return malformed("the host header must be signed");
  for (const Header& header : head.headers) {
    const bool needed =
        std::any_of(rules.signed_prefixes.begin(), rules.signed_prefixes.end(),
                    [&](const std::string& prefix) { return has_prefix(header.name, prefix); });
    if (!needed) continue;
    const std::string name = to_lower(header.name);
    if (!is_signed(name)) return malformed("the header " + name + " must be signed");
  }
  for (const std::string& name : claim.signed_headers) {
    if (!head.header(name)) return malformed("the signed header " + name + " was not sent");
  }
  return {};
}

Result<void> read_header_time(const RequestHead& head, const SigV4Rules& rules, Time now,
                              SigV4Claim& claim) {
  auto stamp = head.single("x-amz-date");
  if (!stamp) return pass(stamp);
  std::optional<Time> time;
  if (*stamp) {
    if ((*stamp)->size() == 16) time = parse_basic_time(**stamp);
    if (!time) return malformed("x-amz-date must look like " + format_basic_time(now));
    claim.timestamp = **stamp;
  } else {
    auto date = head.single("date");
    if (!date) return pass(date);
    if (!*date) return malformed("neither x-amz-date nor date was sent");
    time = parse_http_time(**date);
    if (!time) return malformed("the date header must look like '" + format_http_time(now) + "'");
    if (!std::binary_search(claim.signed_headers.begin(), claim.signed_headers.end(), "date")) {
      return malformed("the date header must be signed where x-amz-date is not sent");
    }
    claim.timestamp = format_basic_time(*time);
  }
  claim.expires = *time + rules.window;
  return check_skew(*time, now, rules.window);
}

Result<void> read_presigned_time(const Parts& parts, const SigV4Rules& rules, Time now,
                                 SigV4Claim& claim) {
  std::optional<Time> time;
  if (parts.date && parts.date->size() == 16) time = parse_basic_time(*parts.date);
  if (!time) return malformed("X-Amz-Date must look like " + format_basic_time(now));
  claim.timestamp = *parts.date;
  const auto limit = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::min(rules.presigned_limit, kLongestPresigned).count()));
  const auto seconds = parts.expires ? parse_unsigned(*parts.expires) : std::nullopt;
  if (!seconds || *seconds < 1 || *seconds > limit) {
    return malformed("X-Amz-Expires must be a number of seconds from 1 to " +
                     std::to_string(limit));
  }
  claim.expires = *time + std::chrono::seconds(*seconds);
  if (now >= claim.expires) {
    return fail(Code::unauthenticated,
                "The presigned URL expired at " + format_iso_time(claim.expires) +
                    "; the server's time is " + format_iso_time(now) + ".",
                "sign.sigv4");
  }
  if (now < *time - rules.window) return check_skew(*time, now, rules.window);
  return {};
}

bool is_streaming(std::string_view payload) {
  return payload == kStreamingPayload || payload == kStreamingPayloadTrailer ||
         payload == kStreamingUnsignedTrailer;
}

Result<void> check_payload_mode(const RequestHead& head, const SigV4Rules& rules,
                                const SigV4Claim& claim) {
  const std::string_view payload = claim.payload;
  if (payload.empty() && head.header("x-amz-content-sha256")) {
    return malformed("x-amz-content-sha256 is empty");
  }
  if (is_streaming(payload) && claim.presigned) {
    return malformed("a presigned URL cannot be used with chunk signatures");
  }
  if (payload == kUnsignedPayload || payload == kStreamingUnsignedTrailer) {
    const bool allowed = claim.presigned || rules.unsigned_payload == UnsignedPayload::allowed ||
                         (rules.unsigned_payload == UnsignedPayload::over_tls && head.secure);
    if (allowed) return {};
    return fail(Code::unauthenticated,
                "The body must be signed here; send its SHA-256 in x-amz-content-sha256.",
                "sign.sigv4: " + claim.payload);
  }
  if (payload.empty() || is_streaming(payload) || is_lower_hex(payload, 64)) return {};
  return malformed("x-amz-content-sha256 must be a SHA-256 in lower-case hex or a known word");
}

// The texts that may stand for the body: one, or two where the request does not say.
struct Candidates {
  std::array<std::string_view, 2> texts;
  std::size_t count = 0;
  void add(std::string_view text) { texts[count++] = text; }
};

Result<Candidates> payload_candidates(const SigV4Claim& claim, const BodyFacts& body) {
  Candidates candidates;
  if (!claim.payload.empty()) {
    candidates.add(claim.payload);
    return candidates;
  }
  if (claim.presigned) candidates.add(kUnsignedPayload);
  if (!body.has_body) {
    candidates.add(kEmptySha256);
  } else if (body.sha256) {
    candidates.add(*body.sha256);
  } else if (!claim.presigned) {
    return fail(Code::too_large,
                "The signature covers the body's SHA-256, which must be sent in "
                "x-amz-content-sha256 when the body has more than 64 KiB.",
                "sign.sigv4");
  }
  return candidates;
}

Result<PayloadCheck> streaming_check(const RequestHead& head, const SigV4Claim& claim,
                                     std::string_view payload, const Secret& key) {
  auto length = head.single("x-amz-decoded-content-length");
  if (!length) return pass(length);
  const auto decoded = *length ? parse_unsigned(**length) : std::nullopt;
  if (!decoded) {
    return fail(Code::invalid,
                "A body in signed chunks needs its length in x-amz-decoded-content-length.",
                "sign.sigv4");
  }
  ChunkSigning signing;
  signing.key = key;
  signing.timestamp = claim.timestamp;
  signing.scope = claim.scope.text();
  signing.seed_signature = claim.signature;
  signing.signed_chunks = payload != kStreamingUnsignedTrailer;
  signing.trailer = payload != kStreamingPayload;
  signing.decoded_length = *decoded;
  if (signing.trailer) {
    for (const Header& header : head.headers) {
      if (!equal_ignoring_case(header.name, "x-amz-trailer")) continue;
      each_piece(header.value, ',', [&signing](std::string_view name) {
        const std::string_view bare = trim(name);
        if (!bare.empty()) signing.trailer_names.push_back(to_lower(bare));
        return true;
      });
    }
  }
  PayloadCheck check;
  check.chunks = std::move(signing);
  return check;
}

Result<PayloadCheck> check_for(const RequestHead& head, const SigV4Claim& claim,
                               std::string_view payload, const BodyFacts& body, const Secret& key) {
  if (payload == kUnsignedPayload) return PayloadCheck{};
  if (is_streaming(payload)) {
    // Even no data at all has a last chunk. If somebody took the body away, nobody would look at
    // the signatures of its chunks.
    if (!body.has_body) {
      return fail(Code::unauthenticated, "The body in chunks that was signed is missing.",
                  "sign.sigv4");
    }
    return streaming_check(head, claim, payload, key);
  }
  std::string_view known = kEmptySha256;
  if (body.has_body) known = body.sha256 ? std::string_view(*body.sha256) : std::string_view();
  PayloadCheck check;
  if (known.empty()) {
    check.sha256 = payload;
  } else if (!equal_in_constant_time(known, payload)) {
    return fail(Code::unauthenticated, "The body does not match the SHA-256 it was signed with.",
                "sign.sigv4");
  }
  return check;
}

}  // namespace

bool is_sigv4_authorization(std::string_view authorization) {
  return authorization.starts_with(kSigV4Algorithm) &&
         (authorization.size() == kSigV4Algorithm.size() ||
          authorization[kSigV4Algorithm.size()] == ' ');
}

bool is_signature_parameter(std::string_view name) { return name.starts_with(kParameterPrefix); }

bool is_presigned(std::string_view query) {
  if (query.find("mz") == std::string_view::npos && query.find('%') == std::string_view::npos) {
    return false;
  }
  return !each_piece(query, '&', [](std::string_view pair) {
    const std::string_view name = pair.substr(0, pair.find('='));
    if (name.find('%') == std::string_view::npos) return !is_signature_parameter(name);
    const auto decoded = percent_decode(name);
    return !decoded || !is_signature_parameter(*decoded);
  });
}

bool needs_body_hash(const RequestHead& head) {
  const auto authorization = head.header("authorization");
  return authorization && is_sigv4_authorization(*authorization) &&
         !head.header("x-amz-content-sha256");
}

Result<SigV4Claim> read_sigv4(const RequestHead& head, const SigV4Rules& rules, Time now) {
  auto authorization = head.single("authorization");
  if (!authorization) return pass(authorization);
  auto declared = head.single("x-amz-content-sha256");
  if (!declared) return pass(declared);
  SigV4Claim claim;
  claim.presigned = is_presigned(head.query);
  if (claim.presigned && *authorization) {
    return malformed("the request is signed twice, in its query and in its Authorization header");
  }
  if (!claim.presigned && (!*authorization || !is_sigv4_authorization(**authorization))) {
    return malformed("the Authorization header does not begin with AWS4-HMAC-SHA256");
  }
  std::string room;
  auto parts =
      claim.presigned ? parse_query(head.query, room) : parse_authorization(**authorization);
  if (!parts) return pass(parts);
  if (claim.presigned && parts->algorithm != kSigV4Algorithm) {
    return malformed("X-Amz-Algorithm must be AWS4-HMAC-SHA256");
  }
  if (parts->token || head.header("x-amz-security-token")) {
    return malformed("temporary credentials (a security token) are not known here");
  }
  if (rules.path_form == PathForm::normalised && has_dot_segment(head.path)) {
    return malformed("the path must not have '.' or '..' for a segment");
  }
  if (!parts->credential) return malformed("its Credential is missing");
  if (!parts->signed_headers) return malformed("its SignedHeaders are missing");
  if (!parts->signature || !is_lower_hex(*parts->signature, 64)) {
    return malformed("its Signature must be 64 lower-case hex digits");
  }
  claim.signature = *parts->signature;
  claim.payload = *declared ? **declared : parts->content_sha256.value_or("");
  if (auto read = read_credential(*parts->credential, rules, claim); !read) return pass(read);
  if (auto read = read_signed_headers(*parts->signed_headers, head, rules, claim); !read) {
    return pass(read);
  }
  auto time = claim.presigned ? read_presigned_time(*parts, rules, now, claim)
                              : read_header_time(head, rules, now, claim);
  if (!time) return pass(time);
  if (!claim.timestamp.starts_with(claim.scope.date)) {
    return malformed("the date in its Credential is not that of the request");
  }
  if (auto mode = check_payload_mode(head, rules, claim); !mode) return pass(mode);
  return claim;
}

Result<PayloadCheck> verify_sigv4(const RequestHead& head, const SigV4Rules& rules,
                                  const SigV4Claim& claim, const BodyFacts& body,
                                  const Secret& secret) {
  const SigningKeys keys(secret);
  return verify_sigv4(head, rules, claim, body, keys);
}

Result<PayloadCheck> verify_sigv4(const RequestHead& head, const SigV4Rules& rules,
                                  const SigV4Claim& claim, const BodyFacts& body,
                                  const SigningKeys& keys) {
  auto candidates = payload_candidates(claim, body);
  if (!candidates) return pass(candidates);
  const auto encoded = canonical_query(head.query);
  if (!encoded) return malformed("the query has a '%' without two hex digits behind it");
  const std::shared_ptr<const Secret> key = keys.key(claim.scope);
  // Both forms decode to the same names and values, so taking either weakens nothing.
  for (const bool as_sent : {false, true}) {
    const std::string sent = as_sent ? sorted_query(head.query) : std::string();
    if (as_sent && sent == *encoded) break;
    const std::string& query = as_sent ? sent : *encoded;
    for (std::size_t i = 0; i < candidates->count; ++i) {
      const std::string_view payload = candidates->texts[i];
      const auto request =
          canonical_request(head, rules.path_form, query, claim.signed_headers, payload);
      if (!request) return malformed("a signed header was not sent");
      const std::string text = string_to_sign(claim.timestamp, claim.scope, *request);
      const Sha256Hex signature = hex_of(hmac_sha256(key->reveal(), text));
      if (equal_in_constant_time(text_of(signature), claim.signature)) {
        return check_for(head, claim, payload, body, *key);
      }
    }
  }
  return refuse("sign.sigv4: wrong signature");
}

}  // namespace visor::sign
