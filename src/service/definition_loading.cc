// The namespaces that a server comes with.
#include <utility>

#include "audit/event.h"
#include "base/digest.h"
#include "base/log.h"
#include "service/definition_service.h"
#include "service/record_document.h"
#include "service/trail.h"

namespace visor::service {
namespace {

using document::Value;

/// That a namespace was loaded once, as what, and as which revision.
struct Loaded {
  std::string name;
  std::string sha256;  ///< of the namespace's document without its times
  std::uint64_t as = 0;
  std::uint64_t revision = 0;
};

catalogue::Record encode(const Loaded& loaded) {
  Value value = Value::object();
  set_text(value, "sha256", loaded.sha256);
  value.append("as", loaded.as);
  return wrap(kStandardNamespaces, loaded.name, value);
}

Result<Loaded> decode_loaded(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  return Loaded{record.id, text_of(*value, "sha256"), size_of(*value, "as").value_or(0),
                record.revision};
}

}  // namespace

async::Task<Result<void>> DefinitionService::load(std::vector<Namespace> standard) {
  Trail trail(audit_, audit::own_event("namespace.load"));
  std::size_t count = 0;
  for (Namespace& space : standard) {
    Result<bool> loaded = co_await load_one(std::move(space), trail);
    // Another server was quicker with this one.
    if (!loaded && loaded.error().code == Code::precondition) continue;
    if (!loaded) {
      const Result<bool> failed = co_await trail.close(std::move(loaded));
      co_return std::unexpected(failed.error());
    }
    if (*loaded) ++count;
  }
  if (count == 0) co_return Result<void>{};
  log::info("metadata definitions loaded", {{"namespaces", std::to_string(count)}});
  trail.event().detail = std::to_string(count) + " namespaces";
  Result<void> done;
  co_return co_await trail.close(std::move(done));
}

// Whether anything was changed. `precondition` if somebody else changed it in between.
async::Task<Result<bool>> DefinitionService::load_one(Namespace space, Trail& trail) {
  date(space, Time());
  Loaded now{space.name, digest_hex(DigestAlgorithm::sha256, service::encode(space).document)};
  Result<catalogue::Record> record = co_await catalogue_.document(kStandardNamespaces, space.name);
  if (!record && record.error().code != Code::not_found) co_return pass(record);
  Loaded before;
  if (record) {
    auto known = decode_loaded(*record);
    if (!known) co_return pass(known);
    if (known->sha256 == now.sha256) co_return false;
    before = std::move(*known);
  }
  Result<Namespace> present = co_await find(space.name);
  if (!present && present.error().code != Code::not_found) co_return pass(present);

  catalogue::Batch batch;
  date(space, clock_.now());
  const bool is_new = !record && !present;
  const bool unchanged = record && present && present->revision == before.as;
  if (is_new || unchanged) {
    const std::uint64_t expected = unchanged ? present->revision : 0;
    if (unchanged) space.created_at = present->created_at;
    auto put = put_of(space, expected);
    if (!put) co_return pass(put);
    batch.puts.push_back(std::move(*put));
    now.as = expected + 1;
  }
  if (is_new) batch.counters.push_back({kNamespacesCounter, 1, std::nullopt});
  batch.puts.push_back({encode(now), before.revision});
  if (auto told = trail.begin(); !told) co_return pass(told);
  const bool changes = now.as != 0;
  Result<void> applied = co_await catalogue_.apply(std::move(batch));
  if (!applied) co_return pass(applied);
  co_return changes;
}

}  // namespace visor::service
