#include "service/definitions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "catalogue/record.h"

namespace visor::service {
namespace {

std::string shown(std::string_view name) { return std::string(name.substr(0, 80)); }

std::unexpected<Error> missing(std::string_view kind, std::string_view name) {
  return fail(Code::not_found,
              "the namespace has no " + std::string(kind) + " of the name " + shown(name));
}

std::unexpected<Error> taken(std::string_view kind, std::string_view name) {
  return fail(Code::conflict,
              "the namespace has the " + std::string(kind) + " " + shown(name) + " already");
}

Result<void> check_removable(const Namespace& space) {
  if (!space.kept) return {};
  return fail(Code::forbidden,
              "the namespace is protected: nothing of it can be deleted until it no longer is");
}

Result<void> check_name(std::string_view kind, std::string_view name) {
  std::size_t characters = 0;
  bool clean = valid_utf8(name);
  for (std::string_view rest = name; clean && !rest.empty(); ++characters) {
    const Utf8Character character = first_utf8_character(rest);
    if (character.code < ' ' || character.code == 0x7f) clean = false;
    rest.remove_prefix(character.length);
  }
  // No path leads to what is called so.
  if (name == "." || name == "..") clean = false;
  if (clean && characters > 0 && characters <= kLongestDefinedName &&
      name.size() <= catalogue::kMaxName) {
    return {};
  }
  return fail(Code::invalid, "the name of a " + std::string(kind) + " has 1 to " +
                                 std::to_string(kLongestDefinedName) +
                                 " characters, at most 256 bytes, no control characters, and "
                                 "is neither . nor ..");
}

template <class T>
Result<void> check_all(std::string_view kind, const std::vector<T>& all) {
  if (all.size() > kMostDefinitions) {
    return fail(Code::too_large, "a namespace has room for " + std::to_string(kMostDefinitions) +
                                     " of each: it would have a " + std::string(kind) +
                                     " too many");
  }
  std::set<std::string_view> names;
  for (const T& one : all) {
    if (auto good = check_name(kind, one.name); !good) return good;
    if (!names.insert(one.name).second) return taken(kind, one.name);
  }
  return {};
}

template <class T>
auto named(std::vector<T>& all, std::string_view name) {
  return std::ranges::find(all, name, &T::name);
}

/// Whether `name` can become `renamed`: it may stay, and must not become another one's.
template <class T>
bool free_for(std::vector<T>& all, std::string_view name, std::string_view renamed) {
  return renamed == name || named(all, renamed) == all.end();
}

template <class T>
NamespaceEdit removal(std::string_view kind, std::vector<T> Namespace::* all, std::string name) {
  std::string what = std::string(kind) + " deleted: " + name;
  return {std::move(what),
          [kind, all, name = std::move(name)](Namespace& space, Time) -> Result<void> {
            const auto found = named(space.*all, name);
            if (found == (space.*all).end()) return missing(kind, name);
            if (auto removable = check_removable(space); !removable) return removable;
            (space.*all).erase(found);
            return {};
          }};
}

template <class T>
NamespaceEdit removal_of_all(std::string_view kind, std::vector<T> Namespace::* all) {
  return {std::string(kind) + " deleted: all", [all](Namespace& space, Time) -> Result<void> {
            if (auto removable = check_removable(space); !removable) return removable;
            (space.*all).clear();
            return {};
          }};
}

}  // namespace

bool may_see(const Principal& who, const Namespace& space) {
  return who.administrator || space.everybodys || (!who.anonymous() && space.owner == who.account);
}

std::unexpected<Error> no_such_namespace(std::string_view name) {
  return fail(Code::not_found, "there is no namespace of the name " + shown(name));
}

Result<void> check(const Namespace& space) {
  if (auto good = check_name("namespace", space.name); !good) return good;
  if (auto good = check_all("resource type", space.associations); !good) return good;
  if (auto good = check_all("property", space.properties); !good) return good;
  if (auto good = check_all("object", space.objects); !good) return good;
  for (const DefinedObject& object : space.objects) {
    if (auto good = check_all("property", object.properties); !good) return good;
  }
  return check_all("tag", space.tags);
}

void date(Namespace& space, Time made) {
  space.created_at = space.updated_at = made;
  const auto date_all = [made](auto& all) {
    for (auto& one : all) one.created_at = one.updated_at = made;
  };
  date_all(space.associations);
  date_all(space.objects);
  date_all(space.tags);
}

NamespaceEdit change_head(Namespace wanted) {
  return {"name=" + wanted.name,
          [wanted = std::move(wanted)](Namespace& space, Time) -> Result<void> {
            space.name = wanted.name;
            space.display_name = wanted.display_name;
            space.description = wanted.description;
            space.everybodys = wanted.everybodys;
            space.kept = wanted.kept;
            space.owner = wanted.owner;
            return {};
          }};
}

NamespaceEdit add_property(DefinedProperty property) {
  return {"property created: " + property.name,
          [property = std::move(property)](Namespace& space, Time) -> Result<void> {
            if (named(space.properties, property.name) != space.properties.end()) {
              return taken("property", property.name);
            }
            space.properties.push_back(property);
            return {};
          }};
}

NamespaceEdit replace_property(std::string name, DefinedProperty property) {
  std::string what = "property changed: " + name;
  return {std::move(what),
          [name = std::move(name), property = std::move(property)](Namespace& space,
                                                                   Time) -> Result<void> {
            const auto found = named(space.properties, name);
            if (found == space.properties.end()) return missing("property", name);
            if (!free_for(space.properties, name, property.name)) {
              return taken("property", property.name);
            }
            *found = property;
            return {};
          }};
}

NamespaceEdit remove_property(std::string name) {
  return removal("property", &Namespace::properties, std::move(name));
}

NamespaceEdit remove_all_properties() { return removal_of_all("property", &Namespace::properties); }

NamespaceEdit add_object(DefinedObject object) {
  return {"object created: " + object.name,
          [object = std::move(object)](Namespace& space, Time now) -> Result<void> {
            if (named(space.objects, object.name) != space.objects.end()) {
              return taken("object", object.name);
            }
            space.objects.push_back(object);
            space.objects.back().created_at = space.objects.back().updated_at = now;
            return {};
          }};
}

NamespaceEdit replace_object(std::string name, DefinedObject object) {
  std::string what = "object changed: " + name;
  return {std::move(what),
          [name = std::move(name), object = std::move(object)](Namespace& space,
                                                               Time now) -> Result<void> {
            const auto found = named(space.objects, name);
            if (found == space.objects.end()) return missing("object", name);
            if (!free_for(space.objects, name, object.name)) return taken("object", object.name);
            const Time created = found->created_at;
            *found = object;
            found->created_at = created;
            found->updated_at = now;
            return {};
          }};
}

NamespaceEdit remove_object(std::string name) {
  return removal("object", &Namespace::objects, std::move(name));
}

NamespaceEdit remove_all_objects() { return removal_of_all("object", &Namespace::objects); }

NamespaceEdit add_tag(std::string name) {
  std::string what = "tag created: " + name;
  return {std::move(what), [name = std::move(name)](Namespace& space, Time now) -> Result<void> {
            if (named(space.tags, name) != space.tags.end()) return taken("tag", name);
            space.tags.push_back({name, now, now});
            return {};
          }};
}

NamespaceEdit rename_tag(std::string name, std::string renamed) {
  std::string what = "tag changed: " + name;
  return {std::move(what),
          [name = std::move(name), renamed = std::move(renamed)](Namespace& space,
                                                                 Time now) -> Result<void> {
            const auto found = named(space.tags, name);
            if (found == space.tags.end()) return missing("tag", name);
            if (!free_for(space.tags, name, renamed)) return taken("tag", renamed);
            found->name = renamed;
            found->updated_at = now;
            return {};
          }};
}

NamespaceEdit remove_tag(std::string name) {
  return removal("tag", &Namespace::tags, std::move(name));
}

NamespaceEdit remove_all_tags() { return removal_of_all("tag", &Namespace::tags); }

NamespaceEdit replace_tags(std::vector<std::string> names) {
  return {"tags replaced", [names = std::move(names)](Namespace& space, Time now) -> Result<void> {
            const bool takes_away =
                std::ranges::any_of(space.tags, [&names](const DefinedTag& tag) {
                  return std::ranges::find(names, tag.name) == names.end();
                });
            if (takes_away) {
              if (auto removable = check_removable(space); !removable) return removable;
            }
            space.tags.clear();
            for (const std::string& name : names) space.tags.push_back({name, now, now});
            return {};
          }};
}

NamespaceEdit append_tags(std::vector<std::string> names) {
  return {"tags appended", [names = std::move(names)](Namespace& space, Time now) -> Result<void> {
            for (const std::string& name : names) {
              if (named(space.tags, name) != space.tags.end()) return taken("tag", name);
              space.tags.push_back({name, now, now});
            }
            return {};
          }};
}

NamespaceEdit associate(Association association) {
  return {"resource type associated: " + association.name,
          [association = std::move(association)](Namespace& space, Time now) -> Result<void> {
            if (named(space.associations, association.name) != space.associations.end()) {
              return taken("resource type", association.name);
            }
            space.associations.push_back(association);
            space.associations.back().created_at = space.associations.back().updated_at = now;
            return {};
          }};
}

NamespaceEdit dissociate(std::string name) {
  return removal("resource type", &Namespace::associations, std::move(name));
}

}  // namespace visor::service
