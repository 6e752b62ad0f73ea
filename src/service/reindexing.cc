// Facts that earlier versions did not make.
#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "image/query.h"
#include "service/image_service.h"

namespace visor::service {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr std::size_t kTellEvery = 100'000;
// A fact that every image has, and that images of earlier versions lack.
constexpr const char* kNewest = "phase";

catalogue::Query in_natural_order(catalogue::Direction direction, std::uint32_t limit) {
  catalogue::Query query;
  query.collection = kImages;
  query.sort = catalogue::kNaturalOrder;
  query.direction = direction;
  query.limit = limit;
  return query;
}

}  // namespace

// The walk goes from the oldest image to the newest, before anything is registered: if the newest
// one has its facts, so have all.
async::Task<Result<bool>> ImageService::facts_are_complete() {
  Result<catalogue::Page> page =
      co_await on_.catalogue.find(in_natural_order(catalogue::Direction::descending, 1));
  if (!page) co_return pass(page);
  if (page->records.empty()) co_return true;
  Result<catalogue::Record> newest = co_await on_.catalogue.get(kImages, page->records[0].id);
  if (!newest) co_return pass(newest);
  co_return std::ranges::find(newest->facts, kNewest, &catalogue::Fact::name) !=
      newest->facts.end();
}

async::Task<Result<void>> ImageService::complete_facts() {
  Result<bool> complete = co_await facts_are_complete();
  if (!complete) co_return pass(complete);
  if (*complete) co_return Result<void>{};
  log::info("what images can be found by is made anew, once, since this version knows more of it");
  std::size_t done = 0;
  catalogue::Query query = in_natural_order(catalogue::Direction::ascending, kPage);
  do {
    Result<catalogue::Page> page = co_await on_.catalogue.find(query);
    if (!page) co_return pass(page);
    catalogue::Batch batch;
    for (const auto& record : page->records) {
      auto image = decode_image(record);
      if (image) {
        batch.puts.push_back(put_of(*image, image->revision));
      } else {
        tell_unreadable(record, image.error());
      }
    }
    if (!batch.empty()) {
      Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
      if (!applied) co_return applied;
    }
    const std::size_t before = done;
    done += page->records.size();
    if (before / kTellEvery != done / kTellEvery || !page->next) {
      log::info("images made findable", {{"images", std::to_string(done)}});
    }
    query.after = page->next;
  } while (query.after);
  co_return Result<void>{};
}

}  // namespace visor::service
