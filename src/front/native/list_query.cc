#include "front/native/list_query.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/encoding.h"
#include "base/units.h"
#include "front/native/native_words.h"
#include "http/router.h"
#include "sign/sigv4.h"

namespace visor::front::native {
namespace {

bool is_control(std::string_view name) {
  return name == "sort" || name == "dir" || name == "limit" || name == "marker";
}

Result<void> read_limit(const std::string& value, ListQuery& list) {
  const std::optional<std::uint64_t> limit = parse_unsigned(value);
  if (!limit || *limit < 1 || *limit > kLargestPage) {
    return fail(Code::invalid, "limit takes a whole number from 1 to " +
                                   std::to_string(kLargestPage) +
                                   "; leave it out to get the whole list");
  }
  list.query.limit = static_cast<std::uint32_t>(*limit);
  list.limited = true;
  return {};
}

Result<void> read_direction(const std::string& value, ListQuery& list) {
  const std::string direction = to_lower(value);
  if (direction != "asc" && direction != "desc") {
    return fail(Code::invalid, "dir takes asc or desc");
  }
  list.query.descending = direction == "desc";
  return {};
}

Result<void> read_sort(const std::string& value, ListQuery& list) {
  Result<image::AttributeName> sort = native_sort(value);
  if (!sort) return pass(sort);
  // The order by id is the catalogue's own and needs no fact.
  if (sort->extra || sort->name != "id") list.query.sort = std::move(*sort);
  return {};
}

Result<void> read_control(const std::string& name, const std::string& value, ListQuery& list) {
  if (name == "limit") return read_limit(value, list);
  if (value.empty()) return {};
  if (name == "sort") return read_sort(value, list);
  if (name == "dir") return read_direction(value, list);
  list.query.marker = value;
  return {};
}

}  // namespace

Result<ListQuery> read_list_query(std::string_view query, std::string_view address) {
  const auto parameters = http::parse_query(query);
  if (!parameters) {
    return fail(Code::invalid,
                "the query is not percent-encoded UTF-8; write a percent sign as %25");
  }
  ListQuery list;
  std::set<std::string> controls;
  for (const auto& [name, value] : *parameters) {
    if (sign::is_signature_parameter(name)) continue;
    if (name.empty() && value.empty()) continue;
    if (is_control(name)) {
      if (!controls.insert(name).second) {
        return fail(Code::invalid, "the parameter " + name + " is given more than once");
      }
      if (Result<void> read = read_control(name, value, list); !read) return pass(read);
    } else if (auto reads = reads_filter(name, value)) {
      list.reads.push_back(std::move(*reads));
    } else {
      Result<image::Filter> filter = native_filter(name, value, address);
      if (!filter) return pass(filter);
      list.query.filters.push_back(std::move(*filter));
    }
    if (name != "marker") list.parameters.emplace_back(name, value);
  }
  // "private" comes before "public", but "everyone" before "owner".
  if (list.query.sort && !list.query.sort->extra && list.query.sort->name == "access") {
    list.query.descending = !list.query.descending;
  }
  return list;
}

std::string next_page(std::string_view path, const ListQuery& list, std::string_view marker) {
  std::vector<std::pair<std::string, std::string>> parameters = list.parameters;
  parameters.emplace_back("marker", marker);
  // Some clients' signatures hold only for a query whose parameters are in order.
  std::ranges::sort(parameters);
  std::string uri(path);
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    uri.append(1, separator).append(percent_encode(name)).append("=").append(percent_encode(value));
    separator = '&';
  }
  return uri;
}

}  // namespace visor::front::native
