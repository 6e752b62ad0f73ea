#include "app/configuration_identity.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "app/configuration.h"
#include "app/configuration_reader.h"
#include "app/configuration_secret.h"
#include "auth/account.h"
#include "auth/service_endpoint.h"

namespace visor::app {
namespace {

using Kind = IdentitySettings::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<Choice<Kind>, 4> kKinds = {{{"own", Kind::own},
                                                 {"keystone", Kind::keystone},
                                                 {"http_basic", Kind::http_basic},
                                                 {"none", Kind::none}}};
/// By their places in auth::kInterfaces.
constexpr std::array<Choice<std::size_t>, 3> kInterfacePlaces = {
    {{"public", 0}, {"internal", 1}, {"admin", 2}}};
constexpr std::size_t kLongestName = 64;

void read_text(Section& section, std::string_view name, std::string& target) {
  const auto value = section.find(name);
  if (value && !value->none()) target = value->text().value_or("");
}

void read_texts(Section& section, std::string_view name, std::vector<std::string>& target) {
  const auto list = section.find(name);
  if (!list) return;
  std::vector<std::string> texts;
  for (const Value& element : list->elements()) {
    if (auto text = element.text()) texts.push_back(std::move(*text));
  }
  target = std::move(texts);
}

void read_address(const Value& value, std::string& target) {
  const auto written = value.text();
  if (!written) return;
  if (auto parsed = parse_public_address(*written)) {
    target = std::move(*parsed);
  } else {
    value.wrong(parsed.error().message);
  }
}

void read_optional_address(Section& section, std::string_view name, std::string& target) {
  const auto value = section.find(name);
  if (value && !value->none()) read_address(*value, target);
}

void read_addresses(Section& section, KeystoneSettings& keystone) {
  const auto list = section.find("addresses");
  if (!list) return;
  for (const Value& element : list->elements()) {
    std::string address;
    read_address(element, address);
    // People copy what OpenStack calls auth_url, with the version behind it or not.
    if (address.ends_with("/v3")) address.resize(address.size() - 3);
    if (!address.empty()) keystone.addresses.push_back(std::move(address));
  }
}

void read_credentials(Section& section, KeystoneSettings& keystone, bool needed) {
  read_text(section, "username", keystone.username);
  read_text(section, "user_domain", keystone.user_domain);
  read_text(section, "project", keystone.project);
  read_text(section, "project_domain", keystone.project_domain);
  const int passwords =
      read_places(section, "password",
                  {keystone.password, keystone.password_file, keystone.password_environment});
  read_text(section, "application_credential", keystone.application_credential);
  const int secrets = read_places(
      section, "application_credential_secret",
      {keystone.application_credential_secret, keystone.application_credential_secret_file,
       keystone.application_credential_secret_environment});
  const bool user = !keystone.username.empty() || passwords > 0;
  const bool application = !keystone.application_credential.empty() || secrets > 0;
  const Value& at = section.value();
  if (user && application) {
    at.mistake(
        "has a user and an application credential; write username and password, or "
        "application_credential and application_credential_secret");
  } else if (application && (keystone.application_credential.empty() || secrets == 0)) {
    at.mistake(
        "needs both application_credential, which is its id, and application_credential_secret "
        "(or ..._file, ..._environment)");
  } else if (user && (keystone.username.empty() || passwords == 0)) {
    at.mistake(
        "needs both username and password (or password_file, password_environment) of a user that "
        "may look at others' tokens");
  } else if (needed && !user && !application) {
    at.mistake(
        "says not as whom the server asks Keystone; write username and password, or "
        "application_credential and application_credential_secret");
  }
}

void read_keystone(Section& section, KeystoneSettings& keystone, bool needed) {
  read_addresses(section, keystone);
  if (needed && keystone.addresses.empty()) {
    section.value().mistake(
        "has no address of Keystone; write 'addresses: [http://HOST:5000]' in it");
  }
  read_optional_address(section, "public_address", keystone.public_address);
  read_credentials(section, keystone, needed);
  read_texts(section, "administrator_roles", keystone.administrator_roles);
  read_texts(section, "service_roles", keystone.service_roles);
  read_texts(section, "reader_roles", keystone.reader_roles);
  read_texts(section, "administrator_projects", keystone.administrator_projects);
  section.duration("cache", keystone.cache, milliseconds(0), hours(24));
  section.count("cache_entries", keystone.cache_entries, 1, 10'000'000);
  section.duration("timeout", keystone.timeout, milliseconds(100), minutes(10));
  const auto authorities = section.find("authorities");
  if (authorities && !authorities->none()) {
    keystone.authorities = authorities->path_text().value_or("");
  }
}

bool is_service_type(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return text.size() <= kLongestName && std::ranges::all_of(text, fits);
}

void read_service_type(Section& section, std::string& target) {
  const auto value = section.find("type");
  if (!value) {
    section.value().mistake("has no type of a service; write for example 'type: volumev3'");
    return;
  }
  const auto type = value->text();
  if (!type) return;
  if (is_service_type(*type)) {
    target = *type;
  } else {
    value->wrong("can't be the type of a service: up to 64 of a-z 0-9 _ -");
  }
}

void read_region(Section& section, std::string& target) {
  const auto value = section.find("region");
  const auto region = value ? value->text() : std::nullopt;
  if (!region) return;
  if (region->size() <= kLongestName) {
    target = *region;
  } else {
    value->mistake("is the name of a region, of at most 64 bytes");
  }
}

void read_endpoint_url(Section& section, std::string& target) {
  const auto value = section.find("url");
  if (!value) {
    section.value().mistake("has no address; write 'url: https://HOST[:PORT][/PATH]'");
    return;
  }
  read_address(*value, target);
  if (target.contains("(project_id)") || target.contains("(tenant_id)")) {
    value->wrong("has a place for a project in it, which nobody fills in here");
  }
}

/// The interfaces that one entry is for: the one that it names, or all.
std::span<const std::string_view> read_interfaces(Section& section) {
  const std::span<const std::string_view> all = auth::kInterfaces;
  const auto value = section.find("interface");
  if (!value) return all;
  const auto place = value->choice(std::span<const Choice<std::size_t>>(kInterfacePlaces));
  return place ? all.subspan(*place, 1) : all.first(0);
}

void read_endpoints(Section& section, OwnIdentitySettings& own) {
  const auto list = section.find("endpoints");
  if (!list) return;
  std::vector<auth::ServiceEndpoint> endpoints;
  for (const Value& element : list->elements()) {
    Section below(element);
    if (element.node().kind != ConfigurationNode::Kind::map) continue;
    auth::ServiceEndpoint endpoint;
    endpoint.region = own.region;
    read_service_type(below, endpoint.type);
    read_region(below, endpoint.region);
    read_endpoint_url(below, endpoint.url);
    const auto interfaces = read_interfaces(below);
    below.finish();
    for (const std::string_view interface : interfaces) {
      endpoint.interface = interface;
      const bool twice = std::ranges::any_of(endpoints, [&](const auth::ServiceEndpoint& other) {
        return other.stands_for(endpoint);
      });
      if (twice) {
        element.mistake("names the " + endpoint.interface + " endpoint of '" + endpoint.type +
                        "' in '" + endpoint.region + "' once more; remove one");
      }
      endpoints.push_back(endpoint);
    }
  }
  own.endpoints = std::move(endpoints);
}

void read_own(Section& section, OwnIdentitySettings& own) {
  section.duration("token_lifetime", own.token_lifetime, minutes(1), hours(24 * 7));
  read_text(section, "region", own.region);
  read_optional_address(section, "identity_address", own.identity_address);
  read_optional_address(section, "image_address", own.image_address);
  read_endpoints(section, own);
}

void read_everybody(Section& section, FixedIdentitySettings& everybody) {
  if (const auto value = section.find("account")) {
    const auto account = value->text();
    if (account && auth::valid_access_key(*account)) {
      everybody.account = *account;
    } else if (account) {
      value->wrong("can't be an account's name: 3 to 64 of A-Z a-z 0-9 . _ @ + -");
    }
  }
  section.flag("administrator", everybody.administrator);
}

void check_listeners(Section& root, const Configuration& configuration) {
  const auto serves = [&configuration](FrontEndKind kind) {
    return std::ranges::any_of(configuration.listeners, [kind](const auto& listener) {
      return std::ranges::find(listener.serves, kind) != listener.serves.end();
    });
  };
  const auto identity = root.find("identity");
  const auto at = identity ? identity : root.find("listeners");
  if (!at) return;
  const bool own = configuration.identity.kind == Kind::own;
  if (serves(FrontEndKind::identity) && !own) {
    at->mistake(
        "a listener serves identity, whose tokens nobody would take; write 'identity: {kind: "
        "own}', or remove identity from the listeners");
  }
  if (serves(FrontEndKind::glance) && own && !serves(FrontEndKind::identity)) {
    at->mistake(
        "a listener serves glance, and nobody could get a token for it; write another listener "
        "with 'serves: [identity]', or another kind under 'identity'");
  }
}

}  // namespace

void read_identity(Section& root, Configuration& configuration) {
  IdentitySettings& identity = configuration.identity;
  root.section("identity", [&identity](Section& section) {
    section.choice("kind", identity.kind, std::span<const Choice<Kind>>(kKinds));
    const bool keystone = identity.kind == Kind::keystone;
    section.section("own", [&](Section& below) { read_own(below, identity.own); });
    section.section("keystone",
                    [&](Section& below) { read_keystone(below, identity.keystone, keystone); });
    section.section("everybody",
                    [&](Section& below) { read_everybody(below, identity.everybody); });
  });
  check_listeners(root, configuration);
}

}  // namespace visor::app
