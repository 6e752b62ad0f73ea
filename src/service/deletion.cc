// Images that go: put aside to be restored, or for good.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "service/image_service.h"
#include "service/trail.h"

namespace visor::service {
namespace {

// How often a verb starts again when somebody else changed the image in between.
constexpr int kAttempts = 8;
constexpr std::uint32_t kPage = 200;

std::unexpected<Error> too_busy(const std::string& id) {
  return fail(Code::conflict,
              "image " + id + " is being changed by others at the same time; try again");
}

std::unexpected<Error> no_such_deleted(const std::string& id) {
  return fail(Code::not_found, "no deleted image has the id " + id.substr(0, 64));
}

bool reaches(const Principal& who, const image::Image& image) {
  if (who.anonymous()) return false;
  return image.owner == who.account || (who.administrator && who.everybody);
}

Result<void> check_known(const Principal& who) {
  if (!who.anonymous()) return {};
  return fail(Code::forbidden, "an account is needed for this; sign the request");
}

}  // namespace

async::Task<Result<image::Image>> ImageService::remove(Principal who, std::string id) {
  Trail trail(on_.audit, who, "image.delete");
  trail.event().image = id;
  Result<image::Image> removed = co_await remove_told(who, id, trail);
  if (removed) trail.tell(*removed);
  co_return co_await trail.close(std::move(removed));
}

async::Task<Result<image::Image>> ImageService::remove_told(const Principal& who,
                                                            const std::string& id, Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<image::Image> image = co_await load(id);
    if (!image) co_return pass(image);
    if (!image::may_see(who, *image)) trail.hide();
    if (auto allowed = image::check_may_change(who, *image); !allowed) co_return pass(allowed);
    if (auto removable = image::check_removable(*image); !removable) co_return pass(removable);
    if (auto told = trail.begin(); !told) co_return pass(told);
    if (options_.keep_deleted.count() > 0) {
      Result<image::Image> aside = co_await put_aside(who, std::move(*image));
      if (aside || aside.error().code != Code::precondition) co_return aside;
      continue;
    }
    catalogue::Batch batch;
    batch.removes.push_back({kImages, id, image->revision});
    Result<std::vector<Removal>> removal = co_await add_removal(*image, batch);
    Result<void> applied;
    if (removal) {
      applied = co_await on_.catalogue.apply(std::move(batch));
    } else {
      applied = std::unexpected(removal.error());
    }
    if (!applied) {
      if (applied.error().code == Code::precondition) continue;
      co_return pass(applied);
    }
    log::info("image removed", {{"image", id}, {"by", who.account}});
    const image::Image& gone = *image;
    co_await finish_removed(gone, std::move(*removal));
    co_return image;
  }
  co_return too_busy(id);
}

async::Task<Result<image::Image>> ImageService::put_aside(const Principal& who,
                                                          image::Image image) {
  DeletedImage deleted;
  deleted.image = image;
  // Its upload ends as soon as it finds the image gone.
  if (image.state == image::DataState::uploading) {
    auto failed = image::fail_upload(deleted.image, image.session);
    if (!failed) co_return pass(failed);
  }
  deleted.by = who.account;
  deleted.at = on_.clock.now();
  deleted.until = deleted.at + options_.keep_deleted;
  catalogue::Batch batch;
  batch.removes.push_back({kImages, image.id, image.revision});
  // Its revision follows the image's, so that who has read an earlier one of this id, which was
  // restored since, can't take this one for it.
  batch.puts.push_back({encode(deleted), 0, image.revision});
  Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
  if (!applied) co_return pass(applied);
  log::info("image put aside, to be removed later",
            {{"image", image.id}, {"by", who.account}, {"until", format_iso_time(deleted.until)}});
  co_return image;
}

async::Task<Result<std::vector<Removal>>> ImageService::add_removal(const image::Image& image,
                                                                    catalogue::Batch& batch) {
  batch.counters.push_back({images_counter(image.owner), -1, std::nullopt});
  Result<std::vector<Removal>> removals = co_await copies_.add_removal(image, batch);
  if (!removals) co_return removals;
  Result<catalogue::Record> reads = co_await on_.catalogue.get(kReads, image.id);
  if (reads) batch.removes.push_back({kReads, image.id, reads->revision});
  co_return removals;
}

async::Task<void> ImageService::finish_removed(const image::Image& image,
                                               std::vector<Removal> removals) {
  Result<void> forgotten = co_await read_counts_.forget(image.id);
  if (!forgotten) {
    log::failure(log::Level::warning, "the read count of a removed image stays behind",
                 forgotten.error(), {{"image", image.id}});
  }
  for (Removal& removal : removals) {
    Result<void> finished = co_await removals_.finish(std::move(removal));
    if (!finished) {
      log::failure(log::Level::warning, "a removed image's data has to wait", finished.error(),
                   {{"image", image.id}});
    }
  }
}

async::Task<Result<DeletedPage>> ImageService::find_deleted(Principal who,
                                                            std::optional<std::string> after,
                                                            std::uint32_t limit) {
  if (auto known = check_known(who); !known) co_return pass(known);
  if (limit < 1 || limit > 1000) co_return fail(Code::invalid, "limit takes 1 to 1000");
  catalogue::Query query;
  query.collection = kDeletedImages;
  query.limit = limit;
  if (after) query.after = catalogue::Query::Position{"", std::move(*after)};
  if (!(who.administrator && who.everybody)) {
    query.access = {image::account_value(who.account)};
  }
  Result<catalogue::Page> found = co_await on_.catalogue.find(std::move(query));
  if (!found) co_return pass(found);
  DeletedPage page;
  const Time now = on_.clock.now();
  for (const auto& record : found->records) {
    auto deleted = decode_deleted(record);
    if (!deleted) co_return pass(deleted);
    if (deleted->until > now) page.images.push_back(std::move(*deleted));
  }
  if (found->next) page.next = found->next->id;
  co_return page;
}

async::Task<Result<DeletedImage>> ImageService::load_deleted(const Principal& who,
                                                             const std::string& id, Trail& trail) {
  if (auto known = check_known(who); !known) co_return pass(known);
  if (!is_uuid(id)) co_return no_such_deleted(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kDeletedImages, id);
  if (!record) {
    if (record.error().code == Code::not_found) co_return no_such_deleted(id);
    co_return pass(record);
  }
  auto deleted = decode_deleted(*record);
  if (!deleted) co_return pass(deleted);
  if (!reaches(who, deleted->image)) {
    trail.hide();
    co_return no_such_deleted(id);
  }
  if (deleted->until <= on_.clock.now()) co_return no_such_deleted(id);
  co_return std::move(*deleted);
}

async::Task<Result<DeletedImage>> ImageService::show_deleted(Principal who, std::string id) {
  Trail trail(on_.audit, who, "image.show-deleted");
  trail.event().image = id;
  Result<DeletedImage> deleted = co_await load_deleted(who, id, trail);
  if (!deleted) trail.fail(deleted.error());
  co_return deleted;
}

async::Task<Result<Restored>> ImageService::restore(Principal who, std::string id) {
  Trail trail(on_.audit, who, "image.restore");
  trail.event().image = id;
  Result<Restored> restored = co_await restore_told(who, id, trail);
  if (restored) trail.tell(restored->image);
  co_return co_await trail.close(std::move(restored));
}

// Its data may lie elsewhere than when it was removed.
async::Task<Result<void>> ImageService::place_again(image::Image& image) {
  if (image.blob.empty() || image.referred) co_return Result<void>{};
  Result<catalogue::Record> record = co_await on_.catalogue.get(kCopies, image.blob);
  if (!record) co_return pass(record);
  auto copy = decode_copy(*record);
  if (!copy) co_return pass(copy);
  const store::Store* store = copies_.store_of(*copy);
  if (store == nullptr) co_return Result<void>{};
  co_return image::relocate(image, copy->store, store->location(copy->key), false);
}

async::Task<Result<Restored>> ImageService::restore_told(const Principal& who,
                                                         const std::string& id, Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<DeletedImage> deleted = co_await load_deleted(who, id, trail);
    if (!deleted) co_return pass(deleted);
    if (auto told = trail.begin(); !told) co_return pass(told);
    Restored restored;
    restored.image = std::move(deleted->image);
    restored.image.updated_at = on_.clock.now();
    Result<void> placed = co_await place_again(restored.image);
    if (!placed) co_return pass(placed);
    catalogue::Batch batch;
    batch.removes.push_back({kDeletedImages, id, deleted->revision});
    batch.puts.push_back(put_of(restored.image, 0, restored.image.revision));
    Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
    if (!applied) {
      if (applied.error().code == Code::precondition) continue;
      co_return pass(applied);
    }
    ++restored.image.revision;
    log::info("image restored", {{"image", id}, {"by", who.account}});
    const std::pair<const char*, const std::string&> links[] = {
        {"kernel", restored.image.kernel}, {"ramdisk", restored.image.ramdisk}};
    for (const auto& [attribute, linked] : links) {
      if (linked.empty()) continue;
      Result<image::Image> there = co_await load(linked);
      if (!there && there.error().code == Code::not_found) {
        restored.broken_links.emplace_back(attribute);
      }
    }
    co_return restored;
  }
  co_return too_busy(id);
}

async::Task<Result<image::Image>> ImageService::purge(Principal who, std::string id) {
  Trail trail(on_.audit, who, "image.purge");
  trail.event().image = id;
  Result<image::Image> purged = co_await purge_told(who, id, trail);
  if (purged) trail.tell(*purged);
  co_return co_await trail.close(std::move(purged));
}

async::Task<Result<image::Image>> ImageService::purge_told(const Principal& who,
                                                           const std::string& id, Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<DeletedImage> deleted = co_await load_deleted(who, id, trail);
    if (!deleted) co_return pass(deleted);
    if (auto told = trail.begin(); !told) co_return pass(told);
    catalogue::Batch batch;
    batch.removes.push_back({kDeletedImages, id, deleted->revision});
    Result<std::vector<Removal>> removal = co_await add_removal(deleted->image, batch);
    Result<void> applied;
    if (removal) {
      applied = co_await on_.catalogue.apply(std::move(batch));
    } else {
      applied = std::unexpected(removal.error());
    }
    if (!applied) {
      if (applied.error().code == Code::precondition) continue;
      co_return pass(applied);
    }
    log::info("deleted image purged", {{"image", id}, {"by", who.account}});
    const image::Image& gone = deleted->image;
    co_await finish_removed(gone, std::move(*removal));
    co_return std::move(deleted->image);
  }
  co_return too_busy(id);
}

// Found by the index over `until`: its cost is that of what is due, however much is kept.
async::Task<Result<void>> ImageService::purge_due() {
  std::optional<catalogue::Query::Position> after;
  const std::string now = until_value(on_.clock.now());
  Result<void> outcome;
  do {
    catalogue::Query query;
    query.collection = kDeletedImages;
    query.sort = kUntilFact;
    query.limit = kPage;
    query.after = std::move(after);
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      auto deleted = decode_deleted(record);
      if (!deleted) {
        log::failure(log::Level::error, "a deleted image can't be read and was left alone",
                     deleted.error(), {{"image", record.id}});
        continue;
      }
      if (until_value(deleted->until) > now) co_return outcome;
      const DeletedImage& due = *deleted;
      Result<void> purged = co_await purge_one_due(due);
      if (purged) continue;
      // One that is damaged must not keep all that come after it.
      if (purged.error().code != Code::corrupt) co_return purged;
      outcome = std::move(purged);
    }
    after = page->next;
  } while (after);
  co_return outcome;
}

async::Task<Result<void>> ImageService::purge_one_due(const DeletedImage& deleted) {
  Trail trail(on_.audit, audit::own_event("image.purge", "the time to restore it has passed"));
  trail.tell(deleted.image);
  trail.event().subject = deleted.image.owner;
  catalogue::Batch batch;
  batch.removes.push_back({kDeletedImages, deleted.image.id, deleted.revision});
  Result<std::vector<Removal>> removal = co_await add_removal(deleted.image, batch);
  Result<void> applied;
  if (removal) applied = trail.begin();
  if (removal && applied) applied = co_await on_.catalogue.apply(std::move(batch));
  if (!removal) applied = std::unexpected(removal.error());
  if (applied) co_await finish_removed(deleted.image, std::move(*removal));
  Result<void> closed = co_await trail.close(std::move(applied));
  // Restored or purged by somebody at this moment.
  if (!closed && closed.error().code == Code::precondition) co_return Result<void>{};
  co_return closed;
}

}  // namespace visor::service
