// Who asks.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace visor {

/// Where a call came from, for the audit log. The texts outlive whatever the call leads to: a front
/// end points to the request, which lives until its answer is sent.
struct Origin {
  std::string_view request;  ///< the request's id
  std::string_view address;  ///< the client's
};

/// The caller of a verb, as the authenticator found it. An account is named by its access key.
/// `account` is empty for an anonymous caller.
struct Principal {
  std::string account;
  bool administrator = false;
  bool may_refer = false;  ///< may register references to data that lies elsewhere
  bool everybody = false;  ///< an administrator who asks to reach every account's images
  Origin origin = {};

  bool anonymous() const { return account.empty(); }

  static Principal nobody() { return {}; }
  static Principal user(std::string account) {
    return {std::move(account), false, false, false, {}};
  }
  static Principal root(std::string account) { return {std::move(account), true, true, false, {}}; }
};

}  // namespace visor
