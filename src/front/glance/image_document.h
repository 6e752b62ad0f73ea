// An image as the Image API shows it.
#pragma once

#include <string>
#include <vector>

#include "document/value.h"
#include "image/image.h"

namespace visor::front::glance {

/// All attributes of an image; those without a value are null, its properties stand beside them.
/// `stores`: where its data lies, in the order that is shown; empty: nowhere.
document::Value image_document(const image::Image& image, const std::vector<std::string>& stores);

/// A property that is kept as an attribute of the image itself, or a free one; nothing if the image
/// has none of this name.
std::optional<std::string> property_of(const image::Image& image, std::string_view name);

/// The algorithm of `os_hash_value`; nothing if the image has no digest to show there.
std::optional<DigestAlgorithm> shown_digest(const image::Image& image);

}  // namespace visor::front::glance
