// Opened secrets at hand, so that a request needs neither the catalogue nor the cipher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/principal.h"
#include "base/secret.h"
#include "base/shared_cache.h"
#include "sign/signing_keys.h"

namespace visor::auth {

/// What a signature is verified with. The keys derived from the secret are remembered in it, and go
/// with it when the account changes.
struct Credentials {
  Credentials(Principal the_principal, bool is_enabled, Secret secret, std::string the_id = {},
              Time from = {})
      : principal(std::move(the_principal)),
        enabled(is_enabled),
        id(std::move(the_id)),
        tokens_from(from),
        keys(std::move(secret)) {}

  const Principal principal;
  const bool enabled;
  const std::string id;    ///< the account's
  const Time tokens_from;  ///< as Account::tokens_from
  const sign::SigningKeys keys;

  const Secret& secret() const { return keys.secret(); }
};

/// A bounded map from access key to credentials, or to "there is no such account". The two kinds
/// are bounded apart, so that guessing keys does not push real ones out. Thread-safe.
///
/// Exact for the changes that go through one process, as SharedCache is: who changes an account
/// says so before and behind it.
class CredentialCache {
 public:
  /// `limit`: about how many of each kind.
  explicit CredentialCache(std::size_t limit)
      : known_(limit * kBytes, shards_for(limit)), unknown_(limit * kBytes, shards_for(limit)) {}

  using Entry = std::shared_ptr<const Credentials>;  ///< null: no such account

  struct Found {
    std::optional<Entry> entry;
    std::uint64_t known_ticket = 0;
    std::uint64_t unknown_ticket = 0;
  };
  Found find(const std::string& access_key) {
    const SharedCache::Found known = known_.find(access_key);
    if (known.known) return {std::static_pointer_cast<const Credentials>(known.value), 0, 0};
    const SharedCache::Found unknown = unknown_.find(access_key);
    if (unknown.known) return {Entry(), 0, 0};
    return {std::nullopt, known.ticket, unknown.ticket};
  }

  /// Keeps what was read from the catalogue behind the `find` that found nothing.
  void keep(const std::string& access_key, Entry entry, const Found& found) {
    if (entry) {
      known_.keep(access_key, std::move(entry), kOwnBytes, found.known_ticket);
    } else {
      unknown_.keep(access_key, nullptr, kOwnBytes, found.unknown_ticket);
    }
  }

  /// From its making to its end an account changes: nothing from before is found or kept.
  class Change {
   public:
    Change(CredentialCache& cache, std::string access_key)
        : cache_(cache), access_key_(std::move(access_key)) {
      cache_.known_.begin_change(access_key_);
      cache_.unknown_.begin_change(access_key_);
    }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() {
      cache_.known_.end_change(access_key_);
      cache_.unknown_.end_change(access_key_);
    }

   private:
    CredentialCache& cache_;
    const std::string access_key_;
  };

 private:
  // Few accounts are not worth shards, which would be too small for them.
  static constexpr std::size_t shards_for(std::size_t limit) { return limit < 1024 ? 1 : 16; }

  static constexpr std::size_t kOwnBytes = 512;  // an account's, with its keys
  static constexpr std::size_t kBytes = 1024;    // and what it is kept in

  SharedCache known_;
  SharedCache unknown_;
};

}  // namespace visor::auth
