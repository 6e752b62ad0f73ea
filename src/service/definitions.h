// What properties there are that people may give images and other things, in namespaces: what they
// mean, which values they take, what kinds of things they are for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "catalogue/catalogue.h"
#include "document/value.h"

namespace visor::service {

/// What a property means and which values it takes.
struct DefinedProperty {
  std::string name;
  document::Value form;  ///< an object in the words of JSON Schema; clients read it, nobody here
};

/// Properties that belong together.
struct DefinedObject {
  std::string name;
  std::string description = {};
  std::vector<std::string> required = {};  ///< names of properties
  std::vector<DefinedProperty> properties = {};
  Time created_at = {};
  Time updated_at = {};
};

/// A word that things can be tagged with.
struct DefinedTag {
  std::string name;
  Time created_at = {};
  Time updated_at = {};
};

/// A kind of thing that a namespace's definitions are for, and what stands before a property's name
/// there.
struct Association {
  std::string name;
  std::string prefix = {};
  std::string target = {};  ///< which of several sets of properties, where such a thing has several
  Time created_at = {};
  Time updated_at = {};
};

/// Definitions under one name. In the catalogue it is one record, so that whatever changes in it
/// changes together and has one revision.
struct Namespace {
  std::string name;
  std::string display_name = {};
  std::string description = {};
  bool everybodys = false;  ///< every account sees it; else the owner's and administrators
  bool kept = false;        ///< neither it nor anything in it can be deleted
  std::string owner = {};
  std::vector<Association> associations = {};
  std::vector<DefinedProperty> properties = {};
  std::vector<DefinedObject> objects = {};
  std::vector<DefinedTag> tags = {};
  Time created_at = {};
  Time updated_at = {};
  std::uint64_t revision = 0;
  document::Value unknown = {};  ///< members of a later version's document, kept
};

// Bounds. Names are of well-formed UTF-8 without control characters.
inline constexpr std::size_t kLongestDefinedName = 80;  ///< in characters; in bytes 256
inline constexpr std::size_t kMostDefinitions = 1000;   ///< of each kind in a namespace
inline constexpr std::int64_t kMostNamespaces = 1000;
inline constexpr std::size_t kLargestNamespace = std::size_t{512} << 10;  ///< bytes of its document

bool may_see(const Principal& who, const Namespace& space);
std::unexpected<Error> no_such_namespace(std::string_view name);

/// `invalid` or `too_large` unless a namespace keeps to the bounds, and `conflict` if anything in
/// it is there twice.
Result<void> check(const Namespace& space);

/// Says of a namespace and all that is in it that it was made at this time.
void date(Namespace& space, Time made);

/// One change of a namespace: a rule of the domain, carried out on the namespace as it is at the
/// moment.
struct NamespaceEdit {
  std::string what;  ///< for the audit log: "property created: hw_disk_bus"
  std::function<Result<void>(Namespace&, Time now)> apply;
};

// The edits. Errors: `conflict` for what is there already, `not_found` for what is not,
// `forbidden` for what takes something away of a namespace that is kept.

/// Takes the names, description, visibility, protection and owner of `wanted`; what else there is
/// stays.
NamespaceEdit change_head(Namespace wanted);

NamespaceEdit add_property(DefinedProperty property);
NamespaceEdit replace_property(std::string name, DefinedProperty property);
NamespaceEdit remove_property(std::string name);
NamespaceEdit remove_all_properties();

NamespaceEdit add_object(DefinedObject object);
NamespaceEdit replace_object(std::string name, DefinedObject object);
NamespaceEdit remove_object(std::string name);
NamespaceEdit remove_all_objects();

NamespaceEdit add_tag(std::string name);
NamespaceEdit rename_tag(std::string name, std::string renamed);
NamespaceEdit remove_tag(std::string name);
NamespaceEdit remove_all_tags();
/// These tags in place of those that there are.
NamespaceEdit replace_tags(std::vector<std::string> names);
/// These tags besides.
NamespaceEdit append_tags(std::vector<std::string> names);

NamespaceEdit associate(Association association);
NamespaceEdit dissociate(std::string name);

// records: see docs/formats/records.md

inline constexpr const char* kNamespaces = "namespaces";
inline constexpr const char* kNamespacesCounter = "namespaces";

catalogue::Record encode(const Namespace& space);
/// A namespace as a change of the catalogue; it takes its place by when it was made. The errors are
/// those of `check`; `too_large` also for more than kLargestNamespace.
Result<catalogue::Put> put_of(const Namespace& space, std::uint64_t expected,
                              std::uint64_t continues = 0);
/// `corrupt` if the document is not one that `encode` could have written, this version's or a later
/// one's.
Result<Namespace> decode_namespace(const catalogue::Record& record);

}  // namespace visor::service
