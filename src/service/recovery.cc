// What an earlier run left half done, and what had to wait.
#include <utility>

#include "base/log.h"
#include "service/image_service.h"

namespace visor::service {
namespace {

constexpr std::uint32_t kPage = 500;

catalogue::Query page_of(const char* collection, std::optional<catalogue::Query::Position> after) {
  catalogue::Query query;
  query.collection = collection;
  query.limit = kPage;
  query.after = std::move(after);
  return query;
}

// One damaged record must not keep the server from serving all the others.
void tell_unreadable(const catalogue::Record& record, const Error& cause) {
  log::failure(log::Level::error, "a record of unfinished work can't be read and was left alone",
               cause, {{"record", record.collection + "/" + record.id}});
}

}  // namespace

async::Task<Result<void>> ImageService::recover() {
  Result<void> uploads = co_await recover_uploads();
  if (!uploads) co_return uploads;
  co_return co_await finish_removals();
}

async::Task<Result<void>> ImageService::tidy() {
  co_await abandon_broken();
  Result<void> written = co_await read_counts_.write();
  Result<void> purged = co_await purge_due();
  Result<void> removed = co_await finish_removals();
  if (!written) co_return written;
  if (!purged) co_return purged;
  co_return removed;
}

async::Task<Result<void>> ImageService::recover_uploads() {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query = page_of(kUploads, after);
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      auto upload = decode_upload(record);
      if (!upload) {
        tell_unreadable(record, upload.error());
        continue;
      }
      // Whether the blob was committed before the crash is not known: a removal settles both cases.
      UploadSession session;
      session.record = std::move(*upload);
      session.stored = true;
      Result<void> abandoned = co_await abandon_upload(session);
      log::warning("an upload was cut off by the end of the server; its image goes to error",
                   {{"image", session.record.image}});
      if (on_.audit != nullptr) {
        audit::Event event = audit::own_event("upload.abandon", "the server ended during it");
        event.image = session.record.image;
        event.subject = session.record.account;
        // The log itself says so if it can't be written.
        [[maybe_unused]] const auto told = on_.audit->append(event);
      }
      if (!abandoned) keep_for_later(std::move(session), abandoned.error());
    }
    after = page->next;
  } while (after);
  co_return Result<void>{};
}

async::Task<Result<void>> ImageService::finish_removals() {
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query = page_of(kRemovals, after);
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      auto removal = decode_removal(record);
      if (!removal) {
        tell_unreadable(record, removal.error());
        continue;
      }
      Result<void> finished = co_await finish_removal(std::move(*removal));
      if (!finished) {
        log::failure(log::Level::warning, "data that was removed still waits for its store",
                     finished.error(), {{"record", record.id}});
      }
    }
    after = page->next;
  } while (after);
  co_return Result<void>{};
}

async::Task<Result<void>> ImageService::finish_removal(Removal removal) {
  store::Store* store = on_.stores.named(removal.store);
  if (store == nullptr) {
    co_return fail(Code::unavailable,
                   "the store " + removal.store + " is not configured on this server");
  }
  Result<void> removed = co_await store->remove(removal.key);
  if (!removed) co_return removed;
  catalogue::Batch batch;
  batch.removes.push_back({kRemovals, encode(removal).id, removal.revision});
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  // The sweep and the verb that removed may both come here; who comes second finds nothing left to
  // do.
  if (!applied && applied.error().code == Code::precondition) co_return Result<void>{};
  co_return applied;
}

}  // namespace visor::service
