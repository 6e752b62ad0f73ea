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

/// The caller of a verb, as the authenticator found it. An account is named by its access key, or,
/// where Keystone says who asks, by its project's id. `account` is empty for an anonymous caller.
struct Principal {
  std::string account;
  bool administrator = false;
  bool may_refer = false;  ///< may register references to data that lies elsewhere
  bool everybody = false;  ///< an administrator who asks to reach every account's images
  Origin origin = {};
  std::string user = {};    ///< who of the account asks, for the log; empty: the account itself
  bool service = false;     ///< another service vouches for the call
  bool read_only = false;   ///< has a reader's role only, and so changes nothing
  bool may_publish = true;  ///< may make an image everybody's

  bool anonymous() const { return account.empty(); }

  static Principal nobody() { return {}; }
  static Principal of(std::string account) { return {.account = std::move(account)}; }
  static Principal root(std::string account) {
    return {.account = std::move(account), .administrator = true, .may_refer = true};
  }
};

}  // namespace visor
