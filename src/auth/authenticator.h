// Who signed a request.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "async/task.h"
#include "auth/accounts.h"
#include "auth/replay_guard.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "sign/payload.h"
#include "sign/request_head.h"
#include "sign/sigv4.h"
#include "sign/visor_scheme.h"

namespace visor::auth {

enum class Scheme { anonymous, visor, sigv4_header, sigv4_presigned };

/// "anonymous", "visor", "sigv4", "sigv4-presigned": for logs.
std::string_view to_string(Scheme scheme);

/// Who asks, how that was shown, and what the body has still to prove.
struct Identity {
  Principal principal;
  Scheme scheme = Scheme::anonymous;
  /// To be put around the body before anybody reads it: sign::guard(std::move(body),
  /// std::move(payload)).
  sign::PayloadCheck payload;
};

struct AuthenticatorOptions {
  /// The scheme of 2012, which has no protection of query, host and (without Content-MD5) body.
  bool visor_scheme = true;
  std::chrono::seconds visor_window = sign::kDefaultWindow;
  sign::SigV4Rules sigv4;
  /// Whether unsigned requests are let in as nobody.
  bool anonymous = false;
  /// Refuses a SigV4 signature that changes something (not GET, HEAD, OPTIONS) the second time. Off
  /// by default: client libraries that repeat a request within the same second send the same
  /// signature, and would be refused. A signature counts as used once it was found good, whatever
  /// becomes of the request.
  bool refuse_replays = false;
  std::size_t replay_limit = 100'000;
};

/// The access key that a request says it is signed with, unchecked and in whatever form it came,
/// for the audit log; empty if it names none. Never more than 256 bytes.
std::string claimed_access_key(const sign::RequestHead& head);

/// Finds the caller of a request. Unknown key, disabled account and wrong signature get one and the
/// same answer, after the same work. What is wrong with a request's form or clock is told.
/// Thread-safe; `accounts` and `clock` outlive it.
class Authenticator {
 public:
  Authenticator(Accounts& accounts, AuthenticatorOptions options,
                const Clock& clock = Clock::system());

  /// `head` points to texts that stay until the task is done. `unauthenticated`; `invalid` (a
  /// repeated header, a malformed Content-MD5); `too_large` (see sign::verify_sigv4); and what the
  /// catalogue says.
  async::Task<Result<Identity>> identify(sign::RequestHead head, sign::BodyFacts body);
  /// The same on the spot; nothing if it has to wait for the catalogue.
  std::optional<Result<Identity>> identify_at_once(const sign::RequestHead& head,
                                                   const sign::BodyFacts& body);

  const AuthenticatorOptions& options() const { return options_; }

 private:
  /// What a request says of its signature; nothing of it is proven.
  struct Claim {
    Scheme scheme = Scheme::anonymous;
    Time now;  ///< when it was read
    sign::VisorClaim visor;
    sign::SigV4Claim sigv4;

    const std::string& access_key() const {
      return scheme == Scheme::visor ? visor.access_key : sigv4.access_key;
    }
  };
  Result<Claim> read_claim(const sign::RequestHead& head) const;
  Result<Identity> verify(const sign::RequestHead& head, const sign::BodyFacts& body,
                          const Claim& claim, const Credentials* known);

  Accounts& accounts_;
  const AuthenticatorOptions options_;
  const Clock& clock_;
  const Credentials nobody_;  ///< what unknown access keys are verified with, for the same work
  ReplayGuard replays_;
};

}  // namespace visor::auth
