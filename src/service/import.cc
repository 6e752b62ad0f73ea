#include "service/import.h"

#include <utility>

#include "base/name_table.h"
#include "service/record_document.h"
#include "service/recorded_work.h"
#include "service/records.h"

namespace visor::service {
namespace {

using document::Value;
using Kind = Import::Kind;
using State = Import::State;

constexpr NameTable<Kind, 5> kKinds = {{{Kind::staged, "staged"},
                                        {Kind::fetched, "fetched"},
                                        {Kind::referred, "referred"},
                                        {Kind::copied, "copied"},
                                        {Kind::brought, "brought"}}};
constexpr NameTable<State, 4> kStates = {{{State::waiting, "waiting"},
                                          {State::running, "running"},
                                          {State::done, "done"},
                                          {State::failed, "failed"}}};

}  // namespace

std::string_view to_string(Kind kind) { return name_in(kKinds, kind); }
std::string_view to_string(State state) { return name_in(kStates, state); }

catalogue::Record encode(const Import& import) {
  Value value = Value::object();
  value.append("kind", to_string(import.kind));
  value.append("state", to_string(import.state));
  set_text(value, "image", import.image);
  set_text(value, "location", import.location);
  Value stores = Value::array();
  for (const std::string& store : import.stores) stores.push(store);
  value.append("stores", std::move(stores));
  value.append("whole", import.whole);
  set_text(value, "owner", import.owner);
  set_text(value, "user", import.user);
  set_text(value, "request", import.request);
  set_text(value, "note", import.note);
  set_text(value, "digest", import.digest);
  set_text(value, "message", import.message);
  set_time(value, "created", import.created);
  set_time(value, "updated", import.updated);
  catalogue::Record record = wrap(kImports, import.id, value);
  record.revision = import.revision;
  record.facts = {{kStateFact, std::string(to_string(import.state))}, {"image", import.image}};
  if (import.over()) record.facts.push_back({kEndedFact, until_value(import.updated)});
  return record;
}

catalogue::Put put_of(const Import& import) {
  catalogue::Put put{encode(import), import.revision};
  put.came = came_at(import.created);
  return put;
}

Result<Import> decode_import(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const auto kind = value_in(kKinds, text_of(*value, "kind"));
  const auto state = value_in(kStates, text_of(*value, "state"));
  const auto created = time_of(*value, "created");
  const auto updated = time_of(*value, "updated");
  if (!kind || !state || !created || !updated) return corrupt(record, "a field is missing");
  Import import;
  import.id = record.id;
  import.kind = *kind;
  import.state = *state;
  import.image = text_of(*value, "image");
  import.location = text_of(*value, "location");
  const Value* const stores = value->find("stores");
  if (stores != nullptr && stores->is_array()) {
    for (const Value& store : *stores->as_array()) {
      if (store.is_text()) import.stores.push_back(*store.as_text());
    }
  }
  import.whole = value->boolean("whole").value_or(true);
  import.owner = text_of(*value, "owner");
  import.user = text_of(*value, "user");
  import.request = text_of(*value, "request");
  import.note = text_of(*value, "note");
  import.digest = text_of(*value, "digest");
  import.message = text_of(*value, "message");
  import.created = *created;
  import.updated = *updated;
  import.revision = record.revision;
  return import;
}

}  // namespace visor::service
