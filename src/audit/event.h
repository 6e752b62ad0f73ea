// What the audit log tells, and its form as a line.
//
// Format: docs/formats/audit-log.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/principal.h"
#include "base/secret.h"

namespace visor::audit {

/// How far something came. A change is `begun` before anything is done, and then `done`, `refused`
/// (not allowed, or over a quota) or `failed`; what is refused at once has only that line.
enum class Outcome { begun, done, refused, failed };
std::string_view to_string(Outcome outcome);

/// Who did it.
enum class Role {
  anonymous,      ///< nobody in particular
  claimed,        ///< said to be the account, and did not show it
  user,           ///< the account
  administrator,  ///< the account, an administrator
  server          ///< the server itself
};
std::string_view to_string(Role role);

/// One thing that happened. Texts may hold any bytes; none may be a secret.
struct Event {
  std::string verb;  ///< "image.delete", "account.update", "log.start"
  Outcome outcome = Outcome::done;
  std::uint64_t of = 0;       ///< the sequence number of the line that says it was begun; 0: none
  std::optional<Code> error;  ///< why, if refused or failed

  Role role = Role::server;
  std::string account;     ///< the access key
  bool everybody = false;  ///< an administrator reached for every account's images
  std::string request;     ///< the request's id
  std::string from;        ///< the client's address

  std::string image;    ///< the image that it was done to
  std::string subject;  ///< the account that it was done to
  std::optional<std::uint64_t> size;
  std::string sha256;
  std::string detail;  ///< cut off behind kLongestDetail bytes
};

inline constexpr std::size_t kLongestDetail = 1024;
/// No other text in a line is longer; the rest is cut off.
inline constexpr std::size_t kLongestText = 256;

/// An event of the server's own.
Event own_event(std::string verb, std::string detail = {});
/// An event of a caller's.
Event event_of(const Principal& who, std::string verb);

/// Where a line stands in the log.
struct Link {
  std::uint64_t sequence = 0;
  std::string hash;  ///< SHA-256 of the line without its line feed, in hex; empty before the first
};

/// What the lines of a log are sealed with. A plain value; const calls are thread-safe.
class Seal {
 public:
  /// `key`: any secret that belongs to this log alone.
  explicit Seal(Secret key);
  /// Takes lines for sealed that were sealed with an earlier key, too.
  void also_takes(Secret key);
  /// Names the key that it seals with and does not tell it: 16 hex digits.
  const std::string& key_id() const { return key_id_; }
  /// Of a text: 32 hex digits of HMAC-SHA-256.
  std::string of(std::string_view text) const;
  /// Whether these digits are those of a text, with any of its keys.
  bool fits(std::string_view text, std::string_view digits) const;

 private:
  std::vector<Secret> keys_;  ///< the first one seals
  std::string key_id_;
};

/// The key of the seals of a log, from the server's master key.
Secret seal_key(const Secret& master_key);

/// The line that follows `previous`, without a line feed: one JSON object of printable ASCII and
/// UTF-8, whose last two members are the hash of the line before and the seal.
std::string write_line(const Event& event, Time time, const Link& previous, const Seal& seal);
/// Ends an object without its closing brace by the member `seal` and that brace.
void append_seal(std::string& object, const Seal& seal);
/// `2026-11-22T18:35:02.123456Z`.
std::string format_time(Time time);
/// The link that a line makes.
Link link_of(std::uint64_t sequence, std::string_view line);

/// A line as it was read.
struct Line {
  std::uint64_t sequence = 0;
  std::string time;
  std::string previous;
  std::string seal;
  std::string verb;
  std::string outcome;
  std::string account;
  std::string role;
  std::string image;
  std::string subject;
  std::string from;
  std::string request;
  std::string error;
  std::string detail;
  std::string key;  ///< of a line that begins a file: what it was sealed with
  std::uint64_t of = 0;
  std::optional<std::uint64_t> size;
  std::string sha256;
};

/// `corrupt` with what is wrong with the form of a line; the seal is not looked at.
Result<Line> read_line(std::string_view line);
/// Whether the seal of a line is the one that it must have.
bool sealed(std::string_view line, const Seal& seal);

}  // namespace visor::audit
