// What Keystone's clients read: tokens, projects, users, the catalogue.
//
// Source: the Identity API v3 reference.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "auth/account.h"
#include "auth/application_credentials.h"
#include "auth/own_tokens.h"
#include "auth/service_endpoint.h"
#include "base/clock.h"
#include "document/value.h"

namespace visor::front::identity {

/// The one domain that there is.
inline constexpr std::string_view kDomainId = "default";
inline constexpr std::string_view kDomainName = "Default";

/// The services that a client finds here.
struct Services {
  std::string region;
  std::string identity;  ///< "http://127.0.0.1:5000", without /v3
  std::string image;     ///< empty: there is none
  /// Of other services, and of those two elsewhere. One that names type, region and interface of
  /// the two above stands in the place of that.
  std::span<const auth::ServiceEndpoint> further;
};

/// `2026-11-29T18:00:00.000000Z`
std::string format_token_time(Time time);

document::Value domain_object();
document::Value catalogue_array(const Services& services);
/// The member `token` of an answer. `services`: for its catalogue; null: without one.
document::Value token_object(const auth::GoodToken& good, const Services* services);
document::Value project_object(const auth::Account& account, const std::string& base);
document::Value user_object(const auth::Account& account, const std::string& base);
document::Value full_domain_object(const std::string& base);
document::Value role_object(std::string_view role, const std::string& base);
document::Value credential_object(const auth::ApplicationCredential& credential,
                                  const std::string& base);
document::Value version_object(const std::string& base);

/// Services, endpoints and regions of the catalogue as lists of their own.
document::Value service_list(const Services& services);
document::Value endpoint_list(const Services& services);
document::Value region_list(const Services& services);

/// `{NAME: entries, "links": {...}}`. `self`: the path that was asked for, with its address.
document::Value list_document(std::string name, document::Value entries, const std::string& self);

}  // namespace visor::front::identity
