// The queries of lists of metadata definitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "service/definition_service.h"

namespace visor::front::glance {

struct NamespaceListQuery {
  service::NamespaceQuery query;
  bool nothing = false;  ///< limit=0: an empty page is asked for
  /// What the links of the answer repeat: the query without its marker.
  std::string repeated;
};

/// Reads `limit`, `marker`, `sort_key`, `sort_dir`, `visibility` and `resource_types`; others are
/// left alone. `invalid` says which part is wrong.
Result<NamespaceListQuery> read_namespace_query(std::string_view query);

/// A part of a namespace's objects or tags.
struct PartQuery {
  enum class Sort { created, updated, name };

  Sort sort = Sort::created;
  bool descending = true;
  std::optional<std::string> after = {};  ///< the name of the last one of the page before
  std::optional<std::uint64_t> limit = {};
};

/// Reads `limit`, `marker`, `sort_key` and `sort_dir`.
Result<PartQuery> read_part_query(std::string_view query);

/// The value of one parameter; nothing if there is none or the query can't be read.
std::optional<std::string> parameter_of(std::string_view query, std::string_view name);

}  // namespace visor::front::glance
