// Who the callers of the Glance front end are, and who says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "auth/service_endpoint.h"
#include "base/secret.h"

namespace visor::app {

/// See auth::KeystoneOptions.
struct KeystoneSettings {
  std::vector<std::string> addresses = {};  ///< http(s)://HOST[:PORT][/PATH], without /v3
  std::string public_address = {};          ///< what callers are told; empty: the first address
  std::string username = {};
  std::string user_domain = "Default";
  std::string project = "service";
  std::string project_domain = "Default";
  Secret password = {};
  std::string password_file = {};             ///< see Configuration::path
  std::string password_environment = {};      ///< the name of a variable
  std::string application_credential = {};    ///< its id, in place of user and project
  Secret application_credential_secret = {};  ///< of these three, one
  std::string application_credential_secret_file = {};
  std::string application_credential_secret_environment = {};
  std::vector<std::string> administrator_roles = {"admin"};
  std::vector<std::string> service_roles = {"service"};
  std::vector<std::string> reader_roles = {"reader"};
  std::vector<std::string> administrator_projects = {};       ///< ids; empty: any
  std::chrono::milliseconds cache = std::chrono::minutes(5);  ///< 0: every token is asked for
  std::size_t cache_entries = 10'000;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  std::string authorities = {};  ///< PEM file, see Configuration::path; empty: the system's
};

/// See auth::TokenOptions and front::identity::Options.
struct OwnIdentitySettings {
  std::chrono::milliseconds token_lifetime = std::chrono::hours(1);
  std::string region = "RegionOne";
  std::string identity_address = {};                  ///< as clients reach it; empty: as they did
  std::string image_address = {};                     ///< likewise
  std::vector<auth::ServiceEndpoint> endpoints = {};  ///< each type, region and interface once
};

/// Everybody is this one.
struct FixedIdentitySettings {
  std::string account = "admin";
  bool administrator = false;
};

struct IdentitySettings {
  enum class Kind { own, keystone, http_basic, none };
  Kind kind = Kind::own;
  OwnIdentitySettings own;
  KeystoneSettings keystone;
  FixedIdentitySettings everybody;
};

class Section;
struct Configuration;

/// Reads the section `identity` below `root` and checks that it fits the listeners. Mistakes go to
/// the section's findings.
void read_identity(Section& root, Configuration& configuration);

}  // namespace visor::app
