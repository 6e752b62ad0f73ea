// What a caller wants an image to be: documents and patches as edits of the domain.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "document/value.h"
#include "front/glance/patch.h"
#include "image/attributes.h"
#include "image/image.h"

namespace visor::front::glance {

struct NewImage {
  std::string id;  ///< empty: the server makes one
  image::Edits edits;
};

/// The attributes and properties that a document has, without an id. Errors as below.
Result<image::Edits> read_attributes(const document::Value& body);

/// The image that the body of a POST describes; shared with nobody yet if it does not say.
/// `invalid` for a value that an attribute can't have, `forbidden` for one that is the server's,
/// `too_large` for too many properties or tags.
Result<NewImage> read_new_image(const document::Value& body);

/// The edits that a patch makes of the image as it is; errors also `conflict`, for what is missing
/// or there already. `old_form`: as version 2.0 has it, `add` does not overwrite.
Result<image::Edits> read_changes(const image::Image& image,
                                  const std::vector<Operation>& operations, bool old_form);

}  // namespace visor::front::glance
