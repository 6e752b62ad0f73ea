// Accounts as documents.
//
// Contract: the native API's route /users. `{"user": {…}}`, or the bare object, in JSON or XML.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "auth/accounts.h"
#include "base/error.h"
#include "base/secret.h"
#include "document/value.h"

namespace visor::front::native {

/// An account as an object; with `secret`, it is told as secret_key.
document::Value user_object(const auth::Account& account, const std::optional<Secret>& secret);

/// What a document wishes of an account; what it does not name is not set.
struct UserWish {
  std::optional<std::string> access_key;
  auth::AccountChange change;  ///< but for `extra`
  /// Free attributes to set; an empty text takes one away.
  std::map<std::string, std::string> extra;
};

/// Reads a document; which kind it is shows in its first character. `invalid` for one that is
/// malformed, a value that its field does not take, and fields that only the server sets.
Result<UserWish> read_user(std::string_view text);

}  // namespace visor::front::native
