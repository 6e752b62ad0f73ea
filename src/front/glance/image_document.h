// An image as the Image API shows it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "document/value.h"
#include "image/image.h"

namespace visor::front::glance {

/// Where an image's data lies, as far as it is shown.
struct Whereabouts {
  std::vector<std::string> stores = {};        ///< in the order that is shown; empty: nowhere
  std::optional<document::Value> locations{};  ///< nothing: they are not shown here
};

/// All attributes of an image; those without a value are null, its properties stand beside them.
document::Value image_document(const image::Image& image, Whereabouts whereabouts);

/// A property that is kept as an attribute of the image itself, or a free one; nothing if the image
/// has none of this name.
std::optional<std::string> property_of(const image::Image& image, std::string_view name);

/// The algorithm of `os_hash_value`; nothing if the image has no digest to show there.
std::optional<DigestAlgorithm> shown_digest(const image::Image& image);

}  // namespace visor::front::glance
