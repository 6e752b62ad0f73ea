#include "store/store_set.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace visor::store {

void StoreSet::add(std::string name, std::unique_ptr<Store> store) {
  stores_.insert_or_assign(std::move(name), std::move(store));
}

void StoreSet::add_reference(std::string name, std::unique_ptr<Store> store,
                             std::vector<std::string> schemes) {
  for (auto& scheme : schemes)
    by_scheme_.insert_or_assign(std::move(scheme), Located{name, store.get()});
  references_.push_back(std::move(store));
}

Store* StoreSet::named(std::string_view name) const {
  if (const auto found = stores_.find(name); found != stores_.end()) return found->second.get();
  for (const auto& [scheme, located] : by_scheme_) {
    if (located.name == name) return located.store;
  }
  return nullptr;
}

std::vector<std::string> StoreSet::names() const {
  std::vector<std::string> names;
  for (const auto& [name, store] : stores_) names.push_back(name);
  for (const auto& [scheme, located] : by_scheme_) names.push_back(located.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void StoreSet::tidy() const {
  for (const auto& [name, store] : stores_) store->tidy();
  for (const auto& store : references_) store->tidy();
}

StoreSet::Located StoreSet::for_location(std::string_view location) const {
  const auto colon = location.find(':');
  if (colon == std::string_view::npos) return {};
  const auto found = by_scheme_.find(to_lower(location.substr(0, colon)));
  return found == by_scheme_.end() ? Located{} : found->second;
}

}  // namespace visor::store
