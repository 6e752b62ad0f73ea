// The native API's words for what the domain calls otherwise: one table, used in both directions.
//
// Contract: the native API's chapters "Attributes" and "Queries".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/attributes.h"
#include "image/image.h"
#include "image/query.h"

namespace visor::front::native {

/// Which attributes of an image an answer carries: those of brief lists, those of detail lists, or
/// also how often it was read.
enum class Shown { brief, detail, single };

/// An attribute as the wire has it. Undefined attributes are never among them.
struct NativeAttribute {
  std::string name;
  std::string value;
  bool number = false;  ///< a whole number: JSON writes it without quotes
};

/// `locked`, `uploading`, `error` or `available`.
std::string_view status_word(image::DataState state);
/// `public` or `private`.
std::string_view access_word(image::Access access);

/// An attribute's name on the wire in its one spelling: lower case, underscores for dashes.
std::string normal_name(std::string_view name);

/// Whether a name belongs to the API's own schema; all others are free.
bool is_native_attribute(std::string_view name);

/// The attributes of an image in a fixed order, free ones last by name. `address` is what `uri`
/// begins with
/// ("http://127.0.0.1:4568"); `reads` is looked at for Shown::single only.
std::vector<NativeAttribute> native_attributes(const image::Image& image, Shown shown,
                                               std::string_view address,
                                               const image::Reads& reads = {});

/// A wish by its native name and value. `invalid` for an attribute that the server alone sets and
/// for an access that is neither public nor private.
Result<image::Edit> native_edit(std::string_view name, std::string value);

/// A filter on accessed_at or access_count, which are kept beside the record: the catalogue can't
/// apply it.
struct ReadsFilter {
  std::string name;   ///< as native_attributes names it
  std::string value;  ///< as native_attributes writes it
};
/// The filter by its native name and value; nothing for other attributes.
std::optional<ReadsFilter> reads_filter(std::string_view name, std::string_view value);
bool fits(const ReadsFilter& filter, const image::Reads& reads);

/// A filter on any other attribute by its native name and value. A value that the attribute never
/// has gives a filter that finds nothing. `invalid` for names that are none, and for those two.
Result<image::Filter> native_filter(std::string_view name, std::string_view value,
                                    std::string_view address);
/// An attribute to sort on by its native name. `invalid` for names that are none and for what is
/// kept beside the record.
Result<image::AttributeName> native_sort(std::string_view name);

}  // namespace visor::front::native
