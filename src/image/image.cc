#include "image/image.h"

#include <array>
#include <utility>

namespace visor::image {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<Access, 4> kAccess{{{Access::everyone, "everyone"},
                                    {Access::owner, "owner"},
                                    {Access::members, "members"},
                                    {Access::community, "community"}}};
constexpr Names<Member::Answer, 3> kAnswers{{{Member::Answer::pending, "pending"},
                                             {Member::Answer::accepted, "accepted"},
                                             {Member::Answer::rejected, "rejected"}}};
constexpr Names<Phase, 6> kPhases{{{Phase::available, "available"},
                                   {Phase::held, "held"},
                                   {Phase::importing, "importing"},
                                   {Phase::pending, "pending"},
                                   {Phase::receiving, "receiving"},
                                   {Phase::staged, "staged"}}};
constexpr Names<Importing, 3> kImportings{{{Importing::no, "no"},
                                           {Importing::gathering, "gathering"},
                                           {Importing::spreading, "spreading"}}};
constexpr Names<DataState, 5> kDataStates{{{DataState::none, "none"},
                                           {DataState::uploading, "uploading"},
                                           {DataState::staged, "staged"},
                                           {DataState::present, "present"},
                                           {DataState::error, "error"}}};
constexpr Names<Lifecycle, 4> kLifecycles{{{Lifecycle::active, "active"},
                                           {Lifecycle::deactivated, "deactivated"},
                                           {Lifecycle::quarantined, "quarantined"},
                                           {Lifecycle::deprecated, "deprecated"}}};

template <class Table, class Enum>
std::string_view name_of(const Table& table, Enum value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  return {};
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const Names<Enum, N>& table, std::string_view text) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Access access) { return name_of(kAccess, access); }
std::string_view to_string(Member::Answer answer) { return name_of(kAnswers, answer); }
std::string_view to_string(Importing importing) { return name_of(kImportings, importing); }
std::string_view to_string(Phase phase) { return name_of(kPhases, phase); }
std::string_view to_string(DataState state) { return name_of(kDataStates, state); }
std::string_view to_string(Lifecycle lifecycle) { return name_of(kLifecycles, lifecycle); }

std::optional<Access> parse_access(std::string_view text) { return value_of(kAccess, text); }
std::optional<Member::Answer> parse_answer(std::string_view text) {
  return value_of(kAnswers, text);
}
std::optional<Importing> parse_importing(std::string_view text) {
  return value_of(kImportings, text);
}
std::optional<DataState> parse_data_state(std::string_view text) {
  return value_of(kDataStates, text);
}
std::optional<Lifecycle> parse_lifecycle(std::string_view text) {
  return value_of(kLifecycles, text);
}

Phase phase_of(const Image& image) {
  if (image.importing == Importing::gathering) return Phase::importing;
  switch (image.state) {
    case DataState::none:
    case DataState::error:
      return Phase::pending;
    case DataState::uploading:
      return Phase::receiving;
    case DataState::staged:
      return Phase::staged;
    case DataState::present:
      break;
  }
  const bool held =
      image.lifecycle == Lifecycle::deactivated || image.lifecycle == Lifecycle::quarantined;
  return held ? Phase::held : Phase::available;
}

}  // namespace visor::image
