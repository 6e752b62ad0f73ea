// The names that the values of an enumeration have in documents and on the wire.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace visor {

template <class Value, std::size_t N>
using NameTable = std::array<std::pair<Value, std::string_view>, N>;

/// Empty if the value has no name.
template <class Value, std::size_t N>
constexpr std::string_view name_in(const NameTable<Value, N>& table, Value value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  return {};
}

/// Nothing if no value has this name.
template <class Value, std::size_t N>
constexpr std::optional<Value> value_in(const NameTable<Value, N>& table, std::string_view name) {
  for (const auto& [value, candidate] : table) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

}  // namespace visor
