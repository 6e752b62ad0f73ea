#include "service/placement.h"

#include "base/name_table.h"
#include "service/record_document.h"
#include "service/recorded_work.h"
#include "service/records.h"

namespace visor::service {
namespace {

using document::Value;
using Kind = Placement::Kind;
using State = Placement::State;

constexpr NameTable<Kind, 5> kKinds = {{{Kind::copy, "copy"},
                                        {Kind::move, "move"},
                                        {Kind::evict, "evict"},
                                        {Kind::heal, "heal"},
                                        {Kind::scrub, "scrub"}}};
constexpr NameTable<State, 5> kStates = {{{State::waiting, "waiting"},
                                          {State::running, "running"},
                                          {State::done, "done"},
                                          {State::failed, "failed"},
                                          {State::cancelled, "cancelled"}}};

void set_number(Value& object, const char* name, std::uint64_t number) {
  if (number != 0) object.append(name, number);
}

}  // namespace

std::string_view to_string(Kind kind) { return name_in(kKinds, kind); }
std::string_view to_string(State state) { return name_in(kStates, state); }
std::optional<Kind> parse_placement_kind(std::string_view text) { return value_in(kKinds, text); }

catalogue::Record encode(const Placement& placement) {
  Value value = Value::object();
  value.append("kind", to_string(placement.kind));
  value.append("state", to_string(placement.state));
  set_text(value, "image", placement.image);
  set_text(value, "blob", placement.blob);
  set_text(value, "store", placement.store);
  set_text(value, "from", placement.from);
  set_text(value, "copy", placement.copy);
  set_text(value, "key", placement.key);
  set_text(value, "by", placement.by);
  set_text(value, "failure", placement.failure);
  set_number(value, "size", placement.size);
  set_number(value, "done", placement.done);
  set_number(value, "checked", placement.checked);
  set_number(value, "damaged", placement.damaged);
  set_number(value, "place", placement.place);
  set_time(value, "created", placement.created);
  set_time(value, "updated", placement.updated);
  catalogue::Record record = wrap(kPlacements, placement.id, value);
  record.revision = placement.revision;
  record.facts = {{kStateFact, std::string(to_string(placement.state))}};
  if (!placement.blob.empty()) record.facts.push_back({"blob", placement.blob});
  if (placement.over()) record.facts.push_back({kEndedFact, until_value(placement.updated)});
  return record;
}

catalogue::Put put_of(const Placement& placement) {
  catalogue::Put put{encode(placement), placement.revision};
  put.came = came_at(placement.created);
  return put;
}

Result<Placement> decode_placement(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const auto kind = parse_placement_kind(text_of(*value, "kind"));
  const auto state = value_in(kStates, text_of(*value, "state"));
  const auto created = time_of(*value, "created");
  const auto updated = time_of(*value, "updated");
  if (!kind || !state || !created || !updated) return corrupt(record, "a field is missing");
  Placement placement;
  placement.id = record.id;
  placement.kind = *kind;
  placement.state = *state;
  placement.image = text_of(*value, "image");
  placement.blob = text_of(*value, "blob");
  placement.store = text_of(*value, "store");
  placement.from = text_of(*value, "from");
  placement.copy = text_of(*value, "copy");
  placement.key = text_of(*value, "key");
  placement.by = text_of(*value, "by");
  placement.failure = text_of(*value, "failure");
  placement.size = size_of(*value, "size").value_or(0);
  placement.done = size_of(*value, "done").value_or(0);
  placement.checked = size_of(*value, "checked").value_or(0);
  placement.damaged = size_of(*value, "damaged").value_or(0);
  placement.place = size_of(*value, "place").value_or(0);
  placement.created = *created;
  placement.updated = *updated;
  placement.revision = record.revision;
  return placement;
}

}  // namespace visor::service
