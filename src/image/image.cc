#include "image/image.h"

#include "base/name_table.h"

namespace visor::image {
namespace {

constexpr NameTable<Access, 4> kAccess{{{Access::everyone, "everyone"},
                                        {Access::owner, "owner"},
                                        {Access::members, "members"},
                                        {Access::community, "community"}}};
constexpr NameTable<Member::Answer, 3> kAnswers{{{Member::Answer::pending, "pending"},
                                                 {Member::Answer::accepted, "accepted"},
                                                 {Member::Answer::rejected, "rejected"}}};
constexpr NameTable<Phase, 6> kPhases{{{Phase::available, "available"},
                                       {Phase::held, "held"},
                                       {Phase::importing, "importing"},
                                       {Phase::pending, "pending"},
                                       {Phase::receiving, "receiving"},
                                       {Phase::staged, "staged"}}};
constexpr NameTable<Importing, 3> kImportings{{{Importing::no, "no"},
                                               {Importing::gathering, "gathering"},
                                               {Importing::spreading, "spreading"}}};
constexpr NameTable<DataState, 5> kDataStates{{{DataState::none, "none"},
                                               {DataState::uploading, "uploading"},
                                               {DataState::staged, "staged"},
                                               {DataState::present, "present"},
                                               {DataState::error, "error"}}};
constexpr NameTable<Lifecycle, 4> kLifecycles{{{Lifecycle::active, "active"},
                                               {Lifecycle::deactivated, "deactivated"},
                                               {Lifecycle::quarantined, "quarantined"},
                                               {Lifecycle::deprecated, "deprecated"}}};

}  // namespace

std::string_view to_string(Access access) { return name_in(kAccess, access); }
std::string_view to_string(Member::Answer answer) { return name_in(kAnswers, answer); }
std::string_view to_string(Importing importing) { return name_in(kImportings, importing); }
std::string_view to_string(Phase phase) { return name_in(kPhases, phase); }
std::string_view to_string(DataState state) { return name_in(kDataStates, state); }
std::string_view to_string(Lifecycle lifecycle) { return name_in(kLifecycles, lifecycle); }

std::optional<Access> parse_access(std::string_view text) { return value_in(kAccess, text); }
std::optional<Member::Answer> parse_answer(std::string_view text) {
  return value_in(kAnswers, text);
}
std::optional<Importing> parse_importing(std::string_view text) {
  return value_in(kImportings, text);
}
std::optional<DataState> parse_data_state(std::string_view text) {
  return value_in(kDataStates, text);
}
std::optional<Lifecycle> parse_lifecycle(std::string_view text) {
  return value_in(kLifecycles, text);
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
