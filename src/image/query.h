// Finding images: filters, order, pages, and how text becomes sortable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "image/image.h"

namespace visor::image {

/// An attribute to filter or sort on: a core attribute by its domain name, or one of the open
/// schema.
struct AttributeName {
  std::string name;
  bool extra = false;
};

struct Filter {
  AttributeName attribute;
  std::string value;  ///< equal to this text
};

/// Fact values from one to another, both included, bytewise; no end: all from `from` on.
struct FactRange {
  std::string from;
  std::optional<std::string> to;
};

/// What must be true of an image besides. It is looked at image by image: no index narrows by it.
struct Condition {
  AttributeName attribute;
  std::vector<FactRange> ranges;  ///< a value must lie in one of them
  bool negated = false;           ///< no value may
};

// Conditions by what people ask. Numbers and times are compared by their value; an image without
// the attribute meets only what is negated.
Condition one_of(AttributeName attribute, const std::vector<std::string>& values);
Condition none_of(AttributeName attribute, const std::vector<std::string>& values);
Condition at_least(AttributeName attribute, std::uint64_t number);
Condition at_most(AttributeName attribute, std::uint64_t number);
enum class TimeOrder { before, until, at, from, after };
/// To the second, as lists show times.
Condition in_time(AttributeName attribute, TimeOrder order, Time time);

/// A page of images that the caller may see.
struct Query {
  std::vector<Filter> filters;
  std::vector<Condition> conditions;
  /// Only images of this access.
  std::optional<Access> access;
  /// Images of the community too, which lists leave out unless `access` asks for them.
  bool community = false;
  /// Of the images that are shared with the caller: those that it has answered so.
  std::vector<Member::Answer> answers = {Member::Answer::accepted};
  std::optional<AttributeName> sort;  ///< nothing: by id
  bool descending = false;
  /// What orders images whose `sort` is equal, and which way down; images that are equal in all of
  /// it stand as they came.
  std::vector<std::pair<AttributeName, bool>> then_by;
  std::uint32_t limit = 100;  ///< 1 to 1000
  std::optional<std::string>
      marker;  ///< Page::next of the page before, or the id of its last image
};

struct Page {
  std::vector<Image> images;
  std::optional<std::string> next;  ///< the marker of the following page, if there may be one
};

/// The name of the fact that an attribute is kept under: core attributes by their name, others
/// behind a dot, so that nobody's free attribute can pass for a core one.
std::string fact_name(const AttributeName& attribute);

/// A text as a sortable fact: numbers before times before other text, numbers and times by value,
/// then bytewise. Two texts give the same value only if they are equal. At most 256 bytes: the tail
/// of a longer text is replaced by its SHA-256.
std::string fact_value(std::string_view text);

/// Every fact of an image: what it can be found by and sorted on, and who may see it.
std::vector<std::pair<std::string, std::string>> facts_of(const Image& image);

/// The value of the access fact of what belongs to `account`.
std::string account_value(std::string_view account);

/// The values of the access fact of those images that a query of `account` is about (empty:
/// nobody's account).
std::vector<std::string> access_values(std::string_view account, const Query& query);

/// Where a page ended that is not in the order of ids: by a sort value, and by the image's place
/// among those of the same value.
struct Standing {
  std::string value;
  std::uint64_t place = 0;
};
std::string write_marker(const Standing& standing, std::string_view id);
struct Marker {
  std::optional<Standing> standing;  ///< a bare id tells none
  std::string id;
};
/// `invalid` for a text that is neither a marker nor an image's id.
Result<Marker> read_marker(std::string_view text);

}  // namespace visor::image
