#include "app/glance_parts.h"

#include <string>
#include <utility>

namespace visor::app {
namespace {

std::string word_of(StoreSettings::Kind kind) {
  switch (kind) {
    case StoreSettings::Kind::file:
      return "file";
    case StoreSettings::Kind::memory:
      return "memory";
    case StoreSettings::Kind::http:
      return "http";
    case StoreSettings::Kind::hdfs:
      return "hdfs";
    case StoreSettings::Kind::s3:
      return "s3";
  }
  return "unknown";
}

}  // namespace

front::glance::Options glance_options(const Configuration& configuration) {
  front::glance::Options options;
  options.strict_formats = configuration.glance.strict_formats;
  options.public_address = configuration.identity.own.image_address;
  const std::string& authorities = configuration.identity.keystone.authorities;
  if (!authorities.empty()) options.authorities_file = configuration.path(authorities);
  for (const auto& [name, settings] : configuration.stores) {
    front::glance::StoreInfo store;
    store.name = name;
    store.kind = word_of(settings.kind);
    store.standard = name == configuration.default_store;
    store.read_only = settings.kind == StoreSettings::Kind::http;
    options.stores.push_back(std::move(store));
  }
  return options;
}

}  // namespace visor::app
