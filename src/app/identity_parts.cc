#include "app/identity_parts.h"

#include <chrono>
#include <utility>

#include "app/configuration_secret.h"
#include "async/executor.h"
#include "auth/fixed_identity.h"
#include "auth/http_basic.h"
#include "auth/keystone_client.h"
#include "auth/keystone_identity.h"
#include "auth/own_identity.h"
#include "base/encoding.h"
#include "base/log.h"

namespace visor::app {
namespace {

using async::run_until_done;

constexpr std::size_t kLongestPassword = 4096;

std::unique_ptr<auth::IdentitySource> open_fixed(const FixedIdentitySettings& settings) {
  Principal everybody =
      settings.administrator ? Principal::root(settings.account) : Principal::of(settings.account);
  log::warning("nobody is asked who they are at the glance listener: everybody is one account",
               {{"account", settings.account}});
  return std::make_unique<auth::FixedIdentity>(std::move(everybody));
}

std::vector<std::string> in_lower_case(std::vector<std::string> names) {
  for (std::string& name : names) name = to_lower(name);
  return names;
}

Result<auth::KeystoneLogin> login_of(const KeystoneSettings& settings,
                                     const Configuration& configuration) {
  auth::KeystoneLogin login;
  login.username = settings.username;
  login.user_domain = settings.user_domain;
  login.project = settings.project;
  login.project_domain = settings.project_domain;
  login.password = settings.password;
  login.application_credential = settings.application_credential;
  login.application_credential_secret = settings.application_credential_secret;
  if (login.application_credential.empty()) {
    if (!login.password.empty()) return login;
    auto password =
        read_secret({"password", "the server's user in Keystone", settings.password_file,
                     settings.password_environment, kLongestPassword},
                    configuration);
    if (!password) return pass(password);
    login.password = std::move(*password);
  } else if (login.application_credential_secret.empty()) {
    auto secret =
        read_secret({"secret", "the server's application credential in Keystone",
                     settings.application_credential_secret_file,
                     settings.application_credential_secret_environment, kLongestPassword},
                    configuration);
    if (!secret) return pass(secret);
    login.application_credential_secret = std::move(*secret);
  }
  return login;
}

}  // namespace

IdentityParts::IdentityParts(IdentityFoundation foundation, std::chrono::seconds token_lifetime)
    : passwords_(foundation.accounts, guesses_),
      credentials_(foundation.catalogue, foundation.accounts, guesses_),
      tokens_(foundation.catalogue, foundation.accounts, credentials_,
              std::move(foundation.token_key)),
      token_service_(foundation.accounts, passwords_, credentials_, tokens_, token_lifetime) {}

Result<std::unique_ptr<IdentityParts>> IdentityParts::open(const Configuration& configuration,
                                                           IdentityFoundation foundation) {
  std::unique_ptr<IdentityParts> parts(new IdentityParts(
      std::move(foundation),
      std::chrono::duration_cast<std::chrono::seconds>(configuration.identity.own.token_lifetime)));
  if (auto opened = parts->open_source(configuration); !opened) return pass(opened);
  return parts;
}

Result<void> IdentityParts::open_source(const Configuration& configuration) {
  const IdentitySettings& settings = configuration.identity;
  switch (settings.kind) {
    case IdentitySettings::Kind::none:
      source_ = open_fixed(settings.everybody);
      return {};
    case IdentitySettings::Kind::http_basic:
      source_ = std::make_unique<auth::HttpBasicIdentity>(passwords_);
      return {};
    case IdentitySettings::Kind::keystone:
      return open_keystone(configuration);
    case IdentitySettings::Kind::own:
      break;
  }
  auth::OwnIdentity::Options options;
  const std::string& address = settings.own.identity_address;
  options.address = address.empty() ? address : address + "/v3";
  options.region = settings.own.region;
  options.image_address = settings.own.image_address;
  options.endpoints = settings.own.endpoints;
  source_ = std::make_unique<auth::OwnIdentity>(tokens_, std::move(options));
  if (auto swept = run_until_done(credentials_.sweep()); !swept) return swept;
  return run_until_done(tokens_.load());
}

Result<void> IdentityParts::open_keystone(const Configuration& configuration) {
  const KeystoneSettings& settings = configuration.identity.keystone;
  auto login = login_of(settings, configuration);
  if (!login) return pass(login);
  auth::KeystoneEndpoints endpoints;
  endpoints.addresses = settings.addresses;
  endpoints.timeout = settings.timeout;
  if (!settings.authorities.empty()) {
    endpoints.authorities_file = configuration.path(settings.authorities);
  }
  auto client = auth::KeystoneClient::create(std::move(endpoints), std::move(*login));
  if (!client) return pass(client);
  auth::KeystoneIdentity::Options options;
  options.roles.administrators = in_lower_case(settings.administrator_roles);
  options.roles.services = in_lower_case(settings.service_roles);
  options.roles.readers = in_lower_case(settings.reader_roles);
  options.roles.administrator_projects = settings.administrator_projects;
  options.memory = std::chrono::duration_cast<std::chrono::seconds>(settings.cache);
  options.entries = settings.cache_entries;
  options.public_address =
      settings.public_address.empty() ? settings.addresses.front() : settings.public_address;
  auto source = std::make_unique<auth::KeystoneIdentity>(std::move(*client), std::move(options));
  cut_ = [keystone = source.get()] { keystone->stop(); };
  source_ = std::move(source);
  return {};
}

async::Task<Result<void>> IdentityParts::tidy() { return tokens_.tidy(); }

void IdentityParts::cut() {
  if (cut_) cut_();
}

}  // namespace visor::app
