// Changes of an image as JSON patches, in both media types of the API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "document/value.h"

namespace visor::front::glance {

inline constexpr std::string_view kPatchType = "application/openstack-images-v2.1-json-patch";
inline constexpr std::string_view kOldPatchType = "application/openstack-images-v2.0-json-patch";

struct Operation {
  enum class Kind { add, replace, remove };
  Kind kind = Kind::add;
  std::vector<std::string> path;  ///< unescaped, at least one step
  document::Value value;          ///< null for `remove`
};

/// A patch's operations. Of version 2.1 (RFC 6902, with add, replace and remove only) each is
/// {"op", "path", "value"}; of version 2.0 {"<op>": "<path>", "value"}. `invalid` says which
/// operation is wrong, and how.
Result<std::vector<Operation>> read_patch(const document::Value& document, bool old_form);

}  // namespace visor::front::glance
