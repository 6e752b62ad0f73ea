// The VISOR signature scheme of 2012: HMAC-SHA1 over method, some headers and path.
//
// Contract: the native API's chapter on request signing. It covers neither query nor host, and the
// body only through Content-MD5, so a server may switch it off; it is kept for the clients that
// know nothing else.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "sign/request_head.h"

namespace visor::sign {

/// What an `Authorization: VISOR key:signature` header claims.
struct VisorClaim {
  std::string access_key;
  std::string signature;  ///< base64, as received
};

/// Whether an Authorization value is of this scheme.
bool is_visor_authorization(std::string_view authorization);

/// Reads an Authorization value: `unauthenticated` with what is wrong with its form.
Result<VisorClaim> parse_visor_authorization(std::string_view authorization);

/// The text that is signed. Names are lower-cased and else as received. `has_body` matters for one
/// thing: a Content-Type of application/x-www-form-urlencoded without a body counts as empty, since
/// the 2012 client's HTTP library adds it behind the signer's back. `invalid` if Content-MD5,
/// Content-Type or Date is there twice.
Result<std::string> visor_description(const RequestHead& head, bool has_body);

/// The Authorization value for a request; the client's side. The head must carry its Date already.
Result<std::string> sign_visor(const RequestHead& head, bool has_body, std::string_view access_key,
                               const Secret& secret);

/// Whether the head's Date is there and within `window` of `now`: `unauthenticated` with the
/// server's time if not.
Result<void> check_visor_date(const RequestHead& head, Time now, std::chrono::seconds window);

/// Whether `claim` was signed with `secret`; compares in constant time. Does not look at the date.
Result<void> verify_visor(const RequestHead& head, bool has_body, const VisorClaim& claim,
                          const Secret& secret);

}  // namespace visor::sign
