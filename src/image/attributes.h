// Attributes: what a caller may set, and what each may hold.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/image.h"

namespace visor::image {

/// The core attributes by their domain names, settable or not: id, owner, name, architecture,
/// access, type, format, container, store, kernel, ramdisk, tags, kept, hidden, min_disk, min_ram,
/// state, lifecycle, phase, location, size, virtual_size, md5, sha1, sha256, sha512, created_at,
/// updated_at, uploaded_at.
bool is_core_attribute(std::string_view name);

/// Whether a caller may set this core attribute: name, architecture, access, type, format,
/// container, store, kernel, ramdisk, tags, kept, hidden, min_disk, min_ram; and owner, which the
/// service allows to administrators only.
bool is_settable(std::string_view name);

/// One wish of a caller: a core attribute or, with `extra`, one of the open schema. An empty value
/// undefines it.
struct Edit {
  std::string name = {};
  std::string value = {};
  bool extra = false;
  /// The words of a protocol in which an empty text is a value as good as another (a name or an
  /// attribute of one's own can be empty), and a link may lead to an image that is not there yet.
  bool lenient = false;
  std::vector<std::string> values = {};  ///< of `tags`: all of them
  bool undefine = false;                 ///< of a lenient edit: takes the attribute away
};
using Edits = std::vector<Edit>;

/// Bounds of the open schema.
inline constexpr std::size_t kMaxExtraAttributes = 128;
inline constexpr std::size_t kMaxAttributeName = 255;
inline constexpr std::size_t kMaxAttributeValue = 16 * 1024;
/// Names and values of an image's extra attributes together: what a list of images takes of memory
/// is a multiple of it.
inline constexpr std::size_t kMaxExtraBytes = 64 * 1024;
inline constexpr std::size_t kMaxTags = 128;
inline constexpr std::size_t kMaxTag = 255;

/// Applies edits to an image and checks each value (`invalid` names attribute, value and what is
/// allowed). Does not look beyond the image: whether the store, kernel or ramdisk exists is the
/// service's question. The image is unchanged after an error.
Result<void> apply_edits(std::span<const Edit> edits, Image& image);

/// What every image must have: name and architecture.
Result<void> check_complete(const Image& image);

/// The values that the bounded attributes take.
std::span<const std::string_view> architectures();
std::span<const std::string_view> types();
std::span<const std::string_view> formats();
std::span<const std::string_view> containers();

/// Whether an image can serve as a machine's kernel or ramdisk.
bool is_kernel(const Image& image);
bool is_ramdisk(const Image& image);

/// The value of a core attribute as text, as filters compare it; empty if undefined. Times as
/// format_visor_time writes them.
std::string core_text(const Image& image, std::string_view name);

}  // namespace visor::image
