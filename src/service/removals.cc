#include "service/removals.h"

#include <utility>

#include "base/log.h"
#include "service/manifest.h"

namespace visor::service {

async::Task<Result<void>> Removals::finish_all() {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query = page_of(kRemovals, after);
    Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      auto removal = decode_removal(record);
      if (!removal) {
        tell_unreadable(record, removal.error());
        continue;
      }
      Result<void> finished = co_await finish(std::move(*removal));
      if (!finished) {
        log::failure(log::Level::warning, "data that was removed still waits for its store",
                     finished.error(), {{"record", record.id}});
      }
    }
    after = page->next;
  } while (after);
  co_return Result<void>{};
}

async::Task<Result<void>> Removals::finish(Removal removal) {
  store::Store* store = stores_.named(removal.store);
  if (store == nullptr) {
    co_return fail(Code::unavailable,
                   "the store " + removal.store + " is not configured on this server");
  }
  // First: what is left when this is cut off is then nobody's, and not an image that comes back.
  const std::string manifest = manifest_key(removal.key);
  Result<void> removed = co_await store->remove(manifest);
  if (!removed) co_return removed;
  removed = co_await store->remove(removal.key);
  if (!removed) co_return removed;
  catalogue::Batch batch;
  batch.removes.push_back({kRemovals, encode(removal).id, removal.revision});
  Result<void> applied = co_await catalogue_.apply_admitted(std::move(batch));
  // The sweep and the verb that removed may both come here; who comes second finds nothing left to
  // do.
  if (!applied && applied.error().code == Code::precondition) co_return Result<void>{};
  co_return applied;
}

}  // namespace visor::service
