// The query of a list: filters, order and page.
//
// Contract: the native API's chapter "Queries".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "front/native/native_words.h"
#include "image/query.h"

namespace visor::front::native {

struct ListQuery {
  image::Query query;
  std::vector<ReadsFilter> reads;  ///< filters on what no record knows
  bool limited = false;            ///< a page was asked for: `query.limit` is the caller's
  /// All parameters but the marker and those of a signature, for the URI of the next page.
  std::vector<std::pair<std::string, std::string>> parameters;
};

inline constexpr std::uint32_t kLargestPage = 1000;

/// Reads a query. sort, dir, limit and marker steer the list and come at most once; every other
/// parameter is a filter, and all filters must match. An empty sort, dir or marker counts as
/// absent. `address` is what the attribute uri begins with. `invalid` says which parameter is wrong
/// and what it takes.
Result<ListQuery> read_list_query(std::string_view query, std::string_view address);

/// The path and query of the page behind `marker`, its parameters in the order of their names.
std::string next_page(std::string_view path, const ListQuery& list, std::string_view marker);

}  // namespace visor::front::native
