// Metadata definitions as the API shows and reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "document/value.h"
#include "service/definition_service.h"

namespace visor::front::glance {

// Paths, with names in them percent-encoded; `part`: "objects".
std::string path_of(const service::Namespace& space);
std::string path_of(const service::Namespace& space, std::string_view part, std::string_view name);

/// How much of a namespace is shown.
enum class Extent {
  head,          ///< the namespace's own attributes
  associations,  ///< and what it is for: as lists show it
  whole          ///< and all that is in it
};
document::Value namespace_document(const service::Namespace& space, Extent extent);
document::Value property_document(const service::DefinedProperty& property);
document::Value properties_document(const std::vector<service::DefinedProperty>& properties);
document::Value object_document(const service::Namespace& space,
                                const service::DefinedObject& object);
document::Value tag_document(const service::DefinedTag& tag);
document::Value association_document(const service::Association& association);
document::Value resource_type_document(const service::ResourceType& type);

/// Names of properties as they are where they are set on things of this kind: with the prefix of
/// the association, if there is one.
void add_prefix(service::Namespace& space, std::string_view resource_type);

/// `invalid` unless a body keeps to the schema at "/v2/schemas/metadefs/" + `schema`; `forbidden`
/// if it sets what only the server sets.
Result<void> check_definition(const document::Value& body, std::string_view schema);

// What bodies say that were found good.
service::Namespace read_namespace(const document::Value& body);
service::DefinedProperty read_property(const document::Value& body);
service::DefinedObject read_object(const document::Value& body);
service::Association read_association(const document::Value& body);
std::vector<std::string> read_tag_names(const document::Value& body);

}  // namespace visor::front::glance
