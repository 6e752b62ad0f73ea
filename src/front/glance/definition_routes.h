// The verbs of metadata definitions. The first parameter of a path is the namespace's name, the
// second that of what is in it.
#pragma once

#include "front/glance/exchange.h"
#include "service/definition_service.h"

namespace visor::front::glance {

using DefinitionVerb = async::Task<Result<http::Response>>(service::DefinitionService& definitions,
                                                           Exchange& exchange);

DefinitionVerb list_namespaces;
DefinitionVerb create_namespace;
DefinitionVerb show_namespace;
DefinitionVerb update_namespace;
DefinitionVerb delete_namespace;

// definition_parts.cc

DefinitionVerb list_properties;
DefinitionVerb create_property;
DefinitionVerb show_property;
DefinitionVerb update_property;
DefinitionVerb delete_property;
DefinitionVerb delete_properties;

DefinitionVerb list_objects;
DefinitionVerb create_object;
DefinitionVerb show_object;
DefinitionVerb update_object;
DefinitionVerb delete_object;
DefinitionVerb delete_objects;

DefinitionVerb list_associations;
DefinitionVerb create_association;
DefinitionVerb delete_association;
DefinitionVerb list_resource_types;

// definition_tags.cc

DefinitionVerb list_definition_tags;
DefinitionVerb create_definition_tags;
DefinitionVerb create_definition_tag;
DefinitionVerb show_definition_tag;
DefinitionVerb update_definition_tag;
DefinitionVerb delete_definition_tag;
DefinitionVerb delete_definition_tags;

}  // namespace visor::front::glance
