// The query of a list of images.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "image/query.h"

namespace visor::front::glance {

struct ListQuery {
  image::Query query;
  bool nothing = false;  ///< limit=0: an empty page is asked for
  /// What the links of the answer repeat: the query without its marker.
  std::string repeated;
};

/// Reads `limit`, `marker`, both syntaxes of sorting, and the filters. `invalid` says which part is
/// wrong.
Result<ListQuery> read_list_query(std::string_view query);

}  // namespace visor::front::glance
