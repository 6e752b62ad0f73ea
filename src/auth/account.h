// An account and its record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "catalogue/record.h"
#include "document/value.h"

namespace visor::auth {

/// Who may ask. Its secret is never part of it.
struct Account {
  std::string access_key;  ///< chosen, unique: 3 to 64 of A-Z a-z 0-9 . _ @ + -
  std::string id;          ///< UUID, made by the server
  std::string email;       ///< mandatory, at most 254 bytes, one '@'
  bool administrator = false;
  bool enabled = true;
  bool may_refer = false;                     ///< may register references to data elsewhere
  std::optional<std::uint64_t> quota_bytes;   ///< nothing: the configuration's default
  std::optional<std::uint64_t> quota_images;  ///< nothing: the configuration's default
  std::map<std::string, std::string> extra;   ///< free attributes, at most 64 and 16 KiB
  Time created_at;                            ///< whole seconds
  Time updated_at;                            ///< whole seconds
  Time tokens_from;                           ///< tokens given out before are good no more
  std::uint64_t revision = 0;

  Principal principal() const { return {access_key, administrator, may_refer || administrator}; }
  bool active_administrator() const { return administrator && enabled; }
};

/// An account as the catalogue keeps it.
struct StoredAccount {
  Account account;
  std::string sealed_secret;
  document::Value document;  ///< all of it, so that members a newer version wrote survive
};

inline constexpr const char* kAccountCollection = "accounts";

/// What SecretBox binds an account's secret to.
std::string secret_context(std::string_view access_key);

bool valid_access_key(std::string_view text);
/// `invalid` with the rule that a field breaks.
Result<void> validate(const Account& account);

/// The record for `stored`, with its facts: access_key, email, role ("administrator" or "user"),
/// enabled ("true" or "false").
catalogue::Record encode(const StoredAccount& stored);
/// `corrupt` if it is no account's record.
Result<StoredAccount> decode(const catalogue::Record& record);

}  // namespace visor::auth
