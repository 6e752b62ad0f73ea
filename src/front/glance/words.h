// The Image API's words for what the domain calls otherwise: one table, used in both directions.
// docs/guide/openstack.md shows it to people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

namespace visor::front::glance {

/// `queued`, `saving`, `uploading`, `importing`, `active` or `deactivated`.
std::string_view status_word(image::Phase phase);
std::optional<image::Phase> parse_status(std::string_view word);

/// `public`, `private`, `shared` or `community`.
std::string_view visibility_word(image::Access access);
std::optional<image::Access> parse_visibility(std::string_view word);

/// A disk format's name; the domain's and the API's differ for one only.
std::string disk_format_word(std::string_view format);
std::string parse_disk_format(std::string_view word);

/// The attribute that the API calls so, if it is one of the image itself and not a property of
/// somebody's making: its name in the domain. Nothing for properties.
std::optional<std::string_view> domain_name(std::string_view word);

/// What a caller may set of the attributes of an image itself, what only the server sets, and what
/// neither has nor takes.
enum class Kind { settable, read_only, reserved, property };
Kind kind_of(std::string_view word);

/// The two properties that are links to other images, and the one that the domain bounds.
inline constexpr std::string_view kKernel = "kernel_id";
inline constexpr std::string_view kRamdisk = "ramdisk_id";
inline constexpr std::string_view kArchitecture = "architecture";

}  // namespace visor::front::glance
