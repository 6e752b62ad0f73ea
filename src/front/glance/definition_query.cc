#include "front/glance/definition_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "http/router.h"

namespace visor::front::glance {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Sort = service::NamespaceQuery::Sort;

constexpr std::uint32_t kUsualPage = 25;
constexpr std::uint32_t kLargestPage = 1000;

constexpr std::array kSortKeys = {
    std::pair{std::string_view("created_at"), Sort::created},
    std::pair{std::string_view("updated_at"), Sort::updated},
    std::pair{std::string_view("namespace"), Sort::name},
    std::pair{std::string_view("display_name"), Sort::display_name},
    std::pair{std::string_view("visibility"), Sort::access},
    std::pair{std::string_view("protected"), Sort::kept},
    std::pair{std::string_view("owner"), Sort::owner},
};
constexpr std::array kPartSortKeys = {
    std::pair{std::string_view("created_at"), PartQuery::Sort::created},
    std::pair{std::string_view("updated_at"), PartQuery::Sort::updated},
    std::pair{std::string_view("name"), PartQuery::Sort::name},
};

std::unexpected<Error> wrong(std::string_view name, std::string_view why) {
  return fail(Code::invalid, "the parameter " + std::string(name) + " " + std::string(why));
}

Result<Pairs> pairs_of(std::string_view query) {
  auto pairs = http::parse_query(query);
  if (!pairs) return fail(Code::invalid, "the query is not well encoded");
  return std::move(*pairs);
}

Result<std::uint64_t> read_limit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return wrong("limit", "takes a whole number, not less than 0");
  }
  return number;
}

Result<bool> read_descending(std::string_view text) {
  if (text == "asc") return false;
  if (text == "desc") return true;
  return wrong("sort_dir", "takes asc or desc");
}

template <class Key, std::size_t N>
Result<Key> read_sort_key(const std::array<std::pair<std::string_view, Key>, N>& keys,
                          std::string_view text) {
  std::string known;
  for (const auto& [word, key] : keys) {
    if (word == text) return key;
    known.append(known.empty() ? "" : ", ").append(word);
  }
  return wrong("sort_key", "takes one of " + known);
}

/// Texts with commas between them, without those that are empty.
std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view part = trim(list.substr(0, end));
    if (!part.empty()) parts.emplace_back(part);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

Result<void> take(NamespaceListQuery& list, const std::string& name, const std::string& value) {
  service::NamespaceQuery& query = list.query;
  if (name == "limit") {
    auto limit = read_limit(value);
    if (!limit) return pass(limit);
    list.nothing = *limit == 0;
    query.limit = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*limit, 1, kLargestPage));
  } else if (name == "marker") {
    query.after = value;
  } else if (name == "sort_key") {
    auto key = read_sort_key(kSortKeys, value);
    if (!key) return pass(key);
    query.sort = *key;
  } else if (name == "sort_dir") {
    auto descending = read_descending(value);
    if (!descending) return pass(descending);
    query.descending = *descending;
  } else if (name == "visibility") {
    if (value != "public" && value != "private") return wrong(name, "takes public or private");
    query.everybodys = value == "public";
  } else if (name == "resource_types") {
    query.resource_types = split(value);
  }
  return {};
}

}  // namespace

Result<NamespaceListQuery> read_namespace_query(std::string_view query) {
  auto pairs = pairs_of(query);
  if (!pairs) return pass(pairs);
  NamespaceListQuery list;
  list.query.limit = kUsualPage;
  for (const auto& [name, value] : *pairs) {
    if (auto taken = take(list, name, value); !taken) return pass(taken);
    if (name == "marker") continue;
    list.repeated.append(list.repeated.empty() ? "" : "&")
        .append(percent_encode(name) + "=" + percent_encode(value));
  }
  return list;
}

Result<PartQuery> read_part_query(std::string_view query) {
  auto pairs = pairs_of(query);
  if (!pairs) return pass(pairs);
  PartQuery part;
  for (const auto& [name, value] : *pairs) {
    if (name == "limit") {
      auto limit = read_limit(value);
      if (!limit) return pass(limit);
      part.limit = *limit;
    } else if (name == "marker") {
      part.after = value;
    } else if (name == "sort_key") {
      auto key = read_sort_key(kPartSortKeys, value);
      if (!key) return pass(key);
      part.sort = *key;
    } else if (name == "sort_dir") {
      auto descending = read_descending(value);
      if (!descending) return pass(descending);
      part.descending = *descending;
    }
  }
  return part;
}

std::optional<std::string> parameter_of(std::string_view query, std::string_view name) {
  auto pairs = http::parse_query(query);
  if (!pairs) return std::nullopt;
  for (auto& [candidate, value] : *pairs) {
    if (candidate == name) return std::move(value);
  }
  return std::nullopt;
}

}  // namespace visor::front::glance
