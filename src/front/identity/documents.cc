#include "front/identity/documents.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

namespace visor::front::identity {
namespace {

using auth::ServiceEndpoint;
using document::Value;

/// A service of the catalogue: its type is its id.
struct Service {
  std::string type;
  std::vector<ServiceEndpoint> endpoints;
};

/// Some clients look for a service by the name that OpenStack's own program has.
std::string_view name_of(const Service& service) {
  if (service.type == "identity") return "keystone";
  return service.type == "image" ? "glance" : std::string_view(service.type);
}

Service everywhere(std::string_view type, const std::string& region, const std::string& url) {
  Service service{std::string(type), {}};
  for (const std::string_view interface : auth::kInterfaces) {
    service.endpoints.push_back({service.type, region, std::string(interface), url});
  }
  return service;
}

std::vector<Service> services_of(const Services& services) {
  std::vector<Service> all = {everywhere("identity", services.region, services.identity + "/v3")};
  if (!services.image.empty()) {
    all.push_back(everywhere("image", services.region, services.image));
  }
  for (const ServiceEndpoint& endpoint : services.further) {
    auto service = std::ranges::find(all, endpoint.type, &Service::type);
    if (service == all.end()) service = all.insert(all.end(), Service{endpoint.type, {}});
    const auto same = std::ranges::find_if(
        service->endpoints, [&](const ServiceEndpoint& own) { return own.stands_for(endpoint); });
    if (same == service->endpoints.end()) {
      service->endpoints.push_back(endpoint);
    } else {
      same->url = endpoint.url;
    }
  }
  return all;
}

std::string endpoint_id(const ServiceEndpoint& endpoint, const Services& services) {
  const std::string id = endpoint.type + "-" + endpoint.interface;
  return endpoint.region == services.region ? id : id + "@" + endpoint.region;
}

Value endpoint_object(const ServiceEndpoint& endpoint, const Services& services) {
  Value shown = Value::object({{"id", endpoint_id(endpoint, services)}});
  shown.append("interface", endpoint.interface);
  shown.append("region_id", endpoint.region);
  shown.append("region", endpoint.region);
  shown.append("url", endpoint.url);
  return shown;
}

Value named_with_domain(const std::string& name) {
  Value thing = Value::object({{"domain", domain_object()}});
  thing.append("id", name);
  thing.append("name", name);
  return thing;
}

Value self_link(const std::string& base, std::string_view path) {
  return Value::object({{"self", base + "/v3/" + std::string(path)}});
}

}  // namespace

std::string format_token_time(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = format_iso_time(seconds);
  text.pop_back();
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                static_cast<int>((time - seconds).count()));
  return text + fraction.data();
}

Value domain_object() { return Value::object({{"id", kDomainId}, {"name", kDomainName}}); }

Value catalogue_array(const Services& services) {
  Value all = Value::array();
  for (const Service& service : services_of(services)) {
    Value endpoints = Value::array();
    for (const ServiceEndpoint& endpoint : service.endpoints) {
      endpoints.push(endpoint_object(endpoint, services));
    }
    Value entry = Value::object({{"endpoints", std::move(endpoints)}});
    entry.append("id", service.type);
    entry.append("type", service.type);
    entry.append("name", name_of(service));
    all.push(std::move(entry));
  }
  return all;
}

Value token_object(const auth::GoodToken& good, const Services* services) {
  const auth::Token& token = good.token;
  Value methods = Value::array();
  for (const std::string& method : token.methods) methods.push(method);
  Value shown = Value::object({{"methods", std::move(methods)}});
  Value user = named_with_domain(token.account);
  user.append("password_expires_at", nullptr);
  shown.append("user", std::move(user));
  Value audit_ids = Value::array({token.id});
  if (!token.parent.empty()) audit_ids.push(token.parent);
  shown.append("audit_ids", std::move(audit_ids));
  shown.append("expires_at", format_token_time(token.expires));
  shown.append("issued_at", format_token_time(token.issued));
  if (good.credential) {
    Value credential = Value::object({{"id", good.credential->id}});
    credential.append("name", good.credential->name);
    credential.append("restricted", !good.credential->unrestricted);
    shown.append("application_credential", std::move(credential));
  }
  if (token.scope == auth::TokenScope::none) return shown;
  if (token.scope == auth::TokenScope::project) {
    shown.append("project", named_with_domain(token.account));
    shown.append("is_domain", false);
  } else {
    shown.append("system", Value::object({{"all", true}}));
  }
  Value roles = Value::array();
  for (const std::string& role : good.roles()) {
    roles.push(Value::object({{"id", role}, {"name", role}}));
  }
  shown.append("roles", std::move(roles));
  if (services != nullptr) shown.append("catalog", catalogue_array(*services));
  return shown;
}

Value project_object(const auth::Account& account, const std::string& base) {
  Value project = Value::object({{"id", account.access_key}, {"name", account.access_key}});
  project.append("domain_id", kDomainId);
  project.append("parent_id", kDomainId);
  project.append("description", "");
  project.append("enabled", account.enabled);
  project.append("is_domain", false);
  project.append("tags", Value::array());
  project.append("options", Value::object());
  project.append("links", self_link(base, "projects/" + account.access_key));
  return project;
}

Value user_object(const auth::Account& account, const std::string& base) {
  Value user = Value::object({{"id", account.access_key}, {"name", account.access_key}});
  user.append("domain_id", kDomainId);
  user.append("default_project_id", account.access_key);
  user.append("email", account.email);
  user.append("enabled", account.enabled);
  user.append("password_expires_at", nullptr);
  user.append("options", Value::object());
  user.append("links", self_link(base, "users/" + account.access_key));
  return user;
}

Value full_domain_object(const std::string& base) {
  Value domain = domain_object();
  domain.append("description", "all accounts of this server");
  domain.append("enabled", true);
  domain.append("tags", Value::array());
  domain.append("options", Value::object());
  domain.append("links", self_link(base, "domains/" + std::string(kDomainId)));
  return domain;
}

Value role_object(std::string_view role, const std::string& base) {
  Value shown = Value::object({{"id", role}, {"name", role}});
  shown.append("domain_id", nullptr);
  shown.append("description", nullptr);
  shown.append("options", Value::object());
  shown.append("links", self_link(base, "roles/" + std::string(role)));
  return shown;
}

Value credential_object(const auth::ApplicationCredential& credential, const std::string& base) {
  Value shown = Value::object({{"id", credential.id}, {"name", credential.name}});
  shown.append("description", credential.description);
  shown.append("project_id", credential.account);
  shown.append("user_id", credential.account);
  Value roles = Value::array();
  for (const std::string& role : credential.roles) {
    roles.push(Value::object({{"id", role}, {"name", role}, {"domain_id", nullptr}}));
  }
  shown.append("roles", std::move(roles));
  shown.append("expires_at",
               credential.expires ? Value(format_token_time(*credential.expires)) : Value(nullptr));
  shown.append("unrestricted", credential.unrestricted);
  shown.append("system", nullptr);
  shown.append("links", self_link(base, "users/" + credential.account +
                                            "/application_credentials/" + credential.id));
  return shown;
}

Value version_object(const std::string& base) {
  Value version = Value::object({{"id", "v3.14"}, {"status", "stable"}});
  version.append("updated", "2020-04-07T00:00:00Z");
  Value link = Value::object({{"rel", "self"}, {"href", base + "/v3/"}});
  version.append("links", Value::array({std::move(link)}));
  Value type = Value::object({{"base", "application/json"}});
  type.append("type", "application/vnd.openstack.identity-v3+json");
  version.append("media-types", Value::array({std::move(type)}));
  return version;
}

Value service_list(const Services& services) {
  Value all = Value::array();
  for (const Service& service : services_of(services)) {
    Value entry = Value::object({{"id", service.type}});
    entry.append("type", service.type);
    entry.append("name", name_of(service));
    entry.append("enabled", true);
    all.push(std::move(entry));
  }
  return all;
}

Value endpoint_list(const Services& services) {
  Value all = Value::array();
  for (const Service& service : services_of(services)) {
    for (const ServiceEndpoint& endpoint : service.endpoints) {
      Value entry = endpoint_object(endpoint, services);
      entry.append("service_id", service.type);
      entry.append("enabled", true);
      all.push(std::move(entry));
    }
  }
  return all;
}

Value region_list(const Services& services) {
  std::vector<std::string> names = {services.region};
  for (const ServiceEndpoint& endpoint : services.further) {
    if (std::ranges::find(names, endpoint.region) == names.end()) names.push_back(endpoint.region);
  }
  Value all = Value::array();
  for (const std::string& name : names) {
    Value region = Value::object({{"id", name}, {"description", ""}});
    region.append("parent_region_id", nullptr);
    all.push(std::move(region));
  }
  return all;
}

Value list_document(std::string name, Value entries, const std::string& self) {
  Value links = Value::object({{"next", nullptr}, {"self", self}, {"previous", nullptr}});
  Value list = Value::object();
  list.append(std::move(name), std::move(entries));
  list.append("links", std::move(links));
  return list;
}

}  // namespace visor::front::identity
