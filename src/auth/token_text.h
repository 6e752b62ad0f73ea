// A token of VISOR's own as text.
//
// Format: docs/formats/tokens.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace visor::auth {

/// What a token reaches.
enum class TokenScope {
  none,     ///< nothing but other tokens
  project,  ///< the account's own project
  system    ///< the server, for administrators
};

/// What a token says. Nothing of it is proven until the seal was checked.
struct Token {
  std::string id;                    ///< 32 hex digits
  std::string parent;                ///< the id of the token that it was made from; empty: none
  std::string account;               ///< the access key
  std::string credential;            ///< the id of the application credential; empty: none
  std::vector<std::string> methods;  ///< "password", "application_credential", "token"
  TokenScope scope = TokenScope::project;
  Time issued;   ///< microseconds
  Time expires;  ///< likewise

  bool operator==(const Token&) const = default;
};

inline constexpr std::size_t kLongestTokenText = 2048;

/// A token as it was received.
struct ReadToken {
  Token token;
  std::string_view sealed;  ///< the part of the text that the seal is of
  std::string seal;         ///< raw bytes
};

/// The text of a token, sealed with `key`.
std::string write_token(const Token& token, const Secret& key);
/// Nothing if `text` is no token's; it outlives what is returned.
std::optional<ReadToken> read_token(std::string_view text);
/// The seal that `sealed` must have, in raw bytes.
std::string token_seal(std::string_view sealed, const Secret& key);

}  // namespace visor::auth
