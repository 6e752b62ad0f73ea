// What Keystone says of a token.
//
// Source: the Identity API v3, "Validate and show information for token".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"

namespace visor::auth {

/// A token that Keystone vouches for.
struct KeystoneToken {
  std::string user;                ///< the id
  std::string project;             ///< the id; empty: not good for a project
  bool system = false;             ///< good for the whole cloud
  std::vector<std::string> roles;  ///< in lower case
  Time expires;                    ///< by Keystone's clock
  bool is_admin_project = true;    ///< false only if Keystone says so
};

/// What roles mean. All in lower case.
struct KeystoneRoles {
  std::vector<std::string> administrators = {"admin"};
  std::vector<std::string> services = {"service"};
  std::vector<std::string> readers = {"reader"};
  std::vector<std::string> administrator_projects = {};  ///< ids; empty: any
};

/// `unavailable` if `json` is not what Keystone answers.
Result<KeystoneToken> read_keystone_token(std::string_view json);

/// Who asks. `forbidden` for a token that is good for no project, unless it is an administrator's
/// of the whole cloud: its account is the user then.
Result<Principal> principal_of(const KeystoneToken& token, const KeystoneRoles& roles);
/// Whether the token is a service's that may vouch for a call.
bool vouches(const KeystoneToken& token, const KeystoneRoles& roles);

}  // namespace visor::auth
