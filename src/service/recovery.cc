// What an earlier run left half done, and what had to wait.
#include <utility>

#include "base/log.h"
#include "service/image_service.h"

namespace visor::service {

async::Task<Result<void>> ImageService::recover() {
  Result<void> findable = co_await complete_facts();
  if (!findable) co_return findable;
  Result<void> uploads = co_await recover_uploads();
  if (!uploads) co_return uploads;
  co_return co_await removals_.finish_all();
}

async::Task<Result<void>> ImageService::tidy() {
  co_await abandon_broken();
  Result<void> written = co_await read_counts_.write();
  Result<void> purged = co_await purge_due();
  Result<void> removed = co_await removals_.finish_all();
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

}  // namespace visor::service
