#include "auth/service_catalogue.h"

namespace visor::auth {
namespace {

using document::Value;

bool has_text(const Value& object, const char* name, const std::string& text) {
  const std::string* const value = object.text(name);
  return value != nullptr && *value == text;
}

bool is_asked_for(const Value& endpoint, const ServiceQuery& query) {
  return has_text(endpoint, "interface", query.interface) &&
         (has_text(endpoint, "region", query.region) ||
          has_text(endpoint, "region_id", query.region));
}

}  // namespace

std::unexpected<Error> no_such_service(const ServiceQuery& query) {
  return fail(Code::not_found, "the catalogue has no " + query.type +
                                   " service with the interface '" + query.interface.substr(0, 64) +
                                   "' in the region '" + query.region.substr(0, 64) + "'");
}

Result<std::string> find_in_catalogue(const Value& catalogue, const ServiceQuery& query) {
  if (!catalogue.is_array()) return no_such_service(query);
  for (const Value& service : *catalogue.as_array()) {
    const Value* const endpoints = service.find("endpoints");
    if (!has_text(service, "type", query.type) || endpoints == nullptr || !endpoints->is_array()) {
      continue;
    }
    for (const Value& endpoint : *endpoints->as_array()) {
      const std::string* const url = endpoint.text("url");
      if (url == nullptr || !is_asked_for(endpoint, query)) continue;
      return url->substr(0, url->find_last_not_of('/') + 1);
    }
  }
  return no_such_service(query);
}

}  // namespace visor::auth
