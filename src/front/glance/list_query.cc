#include "front/glance/list_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "front/glance/words.h"
#include "http/router.h"
#include "image/attributes.h"

namespace visor::front::glance {
namespace {

constexpr std::uint32_t kUsualPage = 25;
constexpr std::uint32_t kLargestPage = 1000;

constexpr std::array<std::string_view, 8> kSortKeys = {
    "name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"};

std::unexpected<Error> wrong(std::string_view name, std::string_view why) {
  return fail(Code::invalid,
              "the parameter " + std::string(name.substr(0, 100)) + " " + std::string(why));
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

image::AttributeName core(std::string_view name) { return {std::string(name), false}; }

/// An operator in front of a value: "in:a,b". Texts with a colon that are no operator are values.
std::optional<std::string_view> operator_of(std::string_view value) {
  static constexpr std::string_view kOperators[] = {"in", "eq", "neq", "gt", "gte", "lt", "lte"};
  const std::string_view word = value.substr(0, value.find(':'));
  if (word.size() == value.size()) return std::nullopt;
  if (std::ranges::find(kOperators, word) == std::end(kOperators)) return std::nullopt;
  return word;
}

/// Values with commas between them; one in quotes may hold commas.
Result<std::vector<std::string>> split(std::string_view name, std::string_view list) {
  std::vector<std::string> values;
  while (true) {
    if (list.starts_with('"')) {
      const std::size_t end = list.find('"', 1);
      if (end == std::string_view::npos) return wrong(name, "has a quote that is not closed");
      values.emplace_back(list.substr(1, end - 1));
      list.remove_prefix(end + 1);
      if (!list.empty() && list[0] != ',') return wrong(name, "has text behind a quoted value");
    } else {
      const std::size_t end = std::min(list.find(','), list.size());
      if (list.substr(0, end).contains('"')) return wrong(name, "has a quote within a value");
      values.emplace_back(list.substr(0, end));
      list.remove_prefix(end);
    }
    if (list.empty()) return values;
    list.remove_prefix(1);
  }
}

/// The domain's text for a value of an attribute of the image itself; a text that it never has if
/// there is none.
std::string domain_text(std::string_view name, std::string_view value) {
  static constexpr std::string_view kNever = "\x01";
  if (name == "status") {
    const auto phase = parse_status(value);
    return std::string(phase ? to_string(*phase) : kNever);
  }
  if (name == "disk_format") return parse_disk_format(value);
  return std::string(value);
}

class Reader {
 public:
  Result<ListQuery> read(std::string_view text) {
    const auto pairs = http::parse_query(text);
    if (!pairs) return fail(Code::invalid, "the query is not well-formed");
    list_.query.limit = kUsualPage;
    for (const auto& [name, value] : *pairs) {
      if (auto taken = take(name, value); !taken) return pass(taken);
      if (name != "marker") {
        list_.repeated += (list_.repeated.empty() ? "" : "&") + percent_encode(name) + "=" +
                          percent_encode(value);
      }
    }
    if (auto sorted = take_sort(); !sorted) return pass(sorted);
    if (!hidden_asked_) {
      list_.query.conditions.push_back(image::none_of(core("hidden"), {"true"}));
    }
    return std::move(list_);
  }

 private:
  Result<void> take(std::string_view name, std::string_view value) {
    if (name == "limit") return take_limit(value);
    if (name == "marker") return take_marker(value);
    if (name == "sort") {
      sort_ = std::string(value);
      return {};
    }
    if (name == "sort_key") {
      sort_keys_.emplace_back(value);
      return {};
    }
    if (name == "sort_dir") {
      sort_directions_.emplace_back(value);
      return {};
    }
    return take_filter(name, value);
  }

  Result<void> take_limit(std::string_view value) {
    const auto limit = read_number(value);
    if (!limit) return wrong("limit", "takes a whole number, not less than 0");
    list_.nothing = *limit == 0;
    list_.query.limit =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*limit, 1, kLargestPage));
    return {};
  }

  Result<void> take_marker(std::string_view value) {
    if (!is_uuid(value)) return wrong("marker", "names no image");
    list_.query.marker = std::string(value);
    return {};
  }

  Result<void> take_filter(std::string_view name, std::string_view value) {
    if (name == "visibility") return take_visibility(value);
    if (name == "member_status") return take_member_status(value);
    if (name == "os_hidden") return take_flag(name, "hidden", value);
    if (name == "protected") return take_flag(name, "kept", value);
    if (name == "tag") {
      add_filter(core("tags"), std::string(value));
      return {};
    }
    if (name == "changes-since") {
      return wrong(name, "is not known to this version; use updated_at=gte:TIME");
    }
    if (name == "created_at" || name == "updated_at") return take_time(name, value);
    if (name.ends_with("_min") || name.ends_with("_max")) {
      const std::string_view base = name.substr(0, name.size() - 4);
      if (base == "size" || base == "virtual_size" || base == "min_ram" || base == "min_disk") {
        return take_bound(name, base, value);
      }
    }
    if (name == "min_ram" || name == "min_disk" || name == "size" || name == "virtual_size") {
      return take_number(name, value);
    }
    return take_value(name, value);
  }

  Result<void> take_value(std::string_view name, std::string_view value) {
    static constexpr std::string_view kListable[] = {"name", "id", "status", "container_format",
                                                     "disk_format"};
    const auto domain = domain_name(name);
    if (std::ranges::find(kListable, name) != std::end(kListable)) {
      if (const auto word = operator_of(value)) {
        const std::string_view operand = value.substr(word->size() + 1);
        if (*word == "eq") {
          add_filter(core(*domain), domain_text(name, operand));
          return {};
        }
        if (*word != "in") return wrong(name, "takes the operators in and eq only");
        auto values = split(name, operand);
        if (!values) return pass(values);
        for (std::string& each : *values) each = domain_text(name, each);
        list_.query.conditions.push_back(image::one_of(core(*domain), *values));
        return {};
      }
    }
    if (domain && !domain->empty()) {
      add_filter(core(*domain), domain_text(name, value));
    } else {
      const bool known =
          name == kArchitecture &&
          std::ranges::find(image::architectures(), value) != image::architectures().end();
      add_filter({std::string(name), !known}, std::string(value));
    }
    return {};
  }

  Result<void> take_visibility(std::string_view value) {
    if (value == "all") {
      list_.query.community = true;
      return {};
    }
    list_.query.access = parse_visibility(value);
    if (!list_.query.access) {
      return wrong("visibility", "takes public, private, shared, community or all");
    }
    return {};
  }

  Result<void> take_member_status(std::string_view value) {
    using Answer = image::Member::Answer;
    if (value == "all") {
      list_.query.answers = {Answer::pending, Answer::accepted, Answer::rejected};
      return {};
    }
    const auto answer = image::parse_answer(value);
    if (!answer) return wrong("member_status", "takes pending, accepted, rejected or all");
    list_.query.answers = {*answer};
    return {};
  }

  Result<void> take_flag(std::string_view name, std::string_view domain, std::string_view value) {
    const std::string word = to_lower(value);
    if (word != "true" && word != "false") return wrong(name, "takes true or false");
    if (name == "os_hidden") hidden_asked_ = true;
    if (word == "true") {
      add_filter(core(domain), "true");
    } else {
      list_.query.conditions.push_back(image::none_of(core(domain), {"true"}));
    }
    return {};
  }

  Result<void> take_number(std::string_view name, std::string_view value) {
    const auto number = read_number(value);
    if (!number) return wrong(name, "takes a whole number, not less than 0");
    const bool needs = name == "min_ram" || name == "min_disk";
    if (needs && *number == 0) {
      // What needs nothing has no such fact.
      image::Condition some = image::at_least(core(name), 1);
      some.negated = true;
      list_.query.conditions.push_back(std::move(some));
    } else {
      add_filter(core(name), std::to_string(*number));
    }
    return {};
  }

  Result<void> take_bound(std::string_view name, std::string_view base, std::string_view value) {
    const auto number = read_number(value);
    if (!number) return wrong(name, "takes a whole number, not less than 0");
    const bool needs = base == "min_ram" || base == "min_disk";
    if (name.ends_with("_min")) {
      if (needs && *number == 0) return {};
      list_.query.conditions.push_back(image::at_least(core(base), *number));
    } else if (needs) {
      image::Condition more = image::at_least(core(base), *number + 1);
      more.negated = true;
      list_.query.conditions.push_back(std::move(more));
    } else {
      list_.query.conditions.push_back(image::at_most(core(base), *number));
    }
    return {};
  }

  Result<void> take_time(std::string_view name, std::string_view value) {
    const std::string_view word = operator_of(value).value_or("");
    const std::string_view text = word.empty() ? value : value.substr(word.size() + 1);
    std::string written(text);
    // A '+' that was put into a query without being encoded arrives as a blank.
    std::ranges::replace(written, ' ', '+');
    const auto time = parse_iso_time(written);
    if (!time) return wrong(name, "takes a time as ISO 8601 writes it: 2026-01-31T12:00:00Z");
    using Order = image::TimeOrder;
    static constexpr std::array kOrders = {std::pair{std::string_view(""), Order::at},
                                           std::pair{std::string_view("eq"), Order::at},
                                           std::pair{std::string_view("neq"), Order::at},
                                           std::pair{std::string_view("gt"), Order::after},
                                           std::pair{std::string_view("gte"), Order::from},
                                           std::pair{std::string_view("lt"), Order::before},
                                           std::pair{std::string_view("lte"), Order::until}};
    for (const auto& [name_of_order, order] : kOrders) {
      if (name_of_order != word) continue;
      image::Condition condition = image::in_time(core(name), order, *time);
      condition.negated = word == "neq";
      list_.query.conditions.push_back(std::move(condition));
      return {};
    }
    return wrong(name, "takes the operators gt, gte, eq, neq, lt and lte");
  }

  void add_filter(image::AttributeName attribute, std::string value) {
    list_.query.filters.push_back({std::move(attribute), std::move(value)});
  }

  /// Both syntaxes as pairs of a key and whether it goes down.
  Result<std::vector<std::pair<std::string, bool>>> sort_pairs() const {
    std::vector<std::pair<std::string, bool>> pairs;
    if (sort_) {
      if (!sort_keys_.empty() || !sort_directions_.empty()) {
        return wrong("sort", "can't come together with sort_key and sort_dir");
      }
      auto parts = split("sort", *sort_);
      if (!parts) return pass(parts);
      for (const std::string& part : *parts) {
        const std::size_t colon = std::min(part.find(':'), part.size());
        const std::string direction =
            colon == part.size() ? std::string("desc") : part.substr(colon + 1);
        auto down = read_direction(direction);
        if (!down) return pass(down);
        pairs.emplace_back(trim(part.substr(0, colon)), *down);
      }
      return pairs;
    }
    if (sort_directions_.size() > 1 && sort_directions_.size() != sort_keys_.size()) {
      return wrong("sort_dir", "comes once, or once for each sort_key");
    }
    std::vector<std::string> keys = sort_keys_;
    if (keys.empty()) keys.emplace_back("created_at");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      bool down = true;
      if (!sort_directions_.empty()) {
        auto read = read_direction(sort_directions_[sort_directions_.size() == 1 ? 0 : i]);
        if (!read) return pass(read);
        down = *read;
      }
      pairs.emplace_back(keys[i], down);
    }
    return pairs;
  }

  static Result<bool> read_direction(std::string_view text) {
    if (text == "asc") return false;
    if (text == "desc") return true;
    return wrong("sort_dir", "takes asc or desc");
  }

  Result<void> take_sort() {
    auto pairs = sort_pairs();
    if (!pairs) return pass(pairs);
    std::vector<std::pair<image::AttributeName, bool>> keys;
    for (const auto& [key, down] : *pairs) {
      if (std::ranges::find(kSortKeys, key) == kSortKeys.end()) {
        return wrong("sort_key",
                     "takes name, status, container_format, disk_format, size, id, "
                     "created_at or updated_at");
      }
      keys.emplace_back(core(*domain_name(key)), down);
    }
    image::Query& query = list_.query;
    query.descending = keys.front().second;
    if (keys.front().first.name != "id") query.sort = keys.front().first;
    // Ids differ: nothing is left to order behind one.
    if (query.sort) query.then_by.assign(keys.begin() + 1, keys.end());
    return {};
  }

  ListQuery list_;
  bool hidden_asked_ = false;
  std::optional<std::string> sort_;
  std::vector<std::string> sort_keys_;
  std::vector<std::string> sort_directions_;
};

}  // namespace

Result<ListQuery> read_list_query(std::string_view query) { return Reader().read(query); }

}  // namespace visor::front::glance
