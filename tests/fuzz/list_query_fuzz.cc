// Queries and markers from a stranger: a page's own address is read as the same query, and a marker
// leads back to where it was taken from.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "front/native/list_query.h"
#include "head_of_lines.h"
#include "http/router.h"
#include "image/query.h"

namespace {

using namespace visor;
using namespace visor::front::native;
using fuzz::require;

constexpr std::string_view kAddress = "http://images.example.org:4568";
constexpr std::string_view kId = "11111111-2222-4333-8444-555555555555";

bool same_attribute(const image::AttributeName& left, const image::AttributeName& right) {
  return left.name == right.name && left.extra == right.extra;
}

// The order of a next page's parameters is its own: each filter must be among the others.
void check_same(const ListQuery& list, const ListQuery& again) {
  require(list.query.filters.size() == again.query.filters.size());
  require(list.reads.size() == again.reads.size());
  require(list.query.limit == again.query.limit && list.limited == again.limited);
  require(list.query.descending == again.query.descending);
  require(list.query.sort.has_value() == again.query.sort.has_value());
  require(!list.query.sort || same_attribute(*list.query.sort, *again.query.sort));
  for (const image::Filter& filter : list.query.filters) {
    require(std::ranges::any_of(again.query.filters, [&](const image::Filter& other) {
      return same_attribute(filter.attribute, other.attribute) && filter.value == other.value;
    }));
  }
}

void check_marker(std::string_view text) {
  const auto marker = image::read_marker(text);
  if (!marker) {
    require(marker.error().code == Code::invalid);
    return;
  }
  if (marker->standing) {
    const std::string written = image::write_marker(*marker->standing, marker->id);
    const auto again = image::read_marker(written);
    require(again && again->standing && again->id == marker->id);
    require(again->standing->value == marker->standing->value &&
            again->standing->place == marker->standing->place);
  } else {
    require(marker->id == text);
  }
}

// Facts are equal for equal texts alone, and a number comes before a text.
void check_facts(std::string_view text) {
  const std::size_t half = text.size() / 2;
  const std::string_view left = text.substr(0, half);
  const std::string_view right = text.substr(half);
  const std::string left_fact = image::fact_value(left);
  const std::string right_fact = image::fact_value(right);
  require(left_fact.size() <= 256 && right_fact.size() <= 256);
  require((left_fact == right_fact) == (left == right));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_marker(text);
  check_facts(text);
  const auto list = read_list_query(text, kAddress);
  if (!list) {
    require(list.error().code == Code::invalid && valid_utf8(list.error().message));
    return 0;
  }
  require(list->query.limit >= 1 && list->query.limit <= kLargestPage);
  if (list->query.marker) check_marker(*list->query.marker);
  for (const image::Filter& filter : list->query.filters) {
    require(image::fact_name(filter.attribute).size() <= 256);
    require(!filter.attribute.name.empty());
    (void)image::fact_value(filter.value);
  }
  const std::string next = next_page("/images", *list, kId);
  require(next.starts_with("/images?"));
  const auto again = read_list_query(std::string_view(next).substr(8), kAddress);
  require(again.has_value());
  check_same(*list, *again);
  require(again->query.marker == kId);
  require(next == next_page("/images", *again, kId));
  return 0;
}
