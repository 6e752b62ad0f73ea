#include "service/location_service.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "service/quota.h"
#include "service/reference.h"
#include "service/trail.h"

namespace visor::service {
namespace {

constexpr int kAttempts = 8;

Result<void> check_state(const image::Image& image) {
  const image::Phase phase = image::phase_of(image);
  const bool settled = phase == image::Phase::pending || phase == image::Phase::available ||
                       phase == image::Phase::held;
  if (settled && image.importing == image::Importing::no) return {};
  return fail(Code::conflict,
              "image " + image.id + " gets its data at the moment; wait until that is done");
}

Result<void> check_wanted(const Principal& who, const std::vector<Location>& places,
                          const std::vector<Location>& wanted) {
  const auto has = [](const std::vector<Location>& list, const std::string& location) {
    return std::ranges::find(list, location, &Location::location) != list.end();
  };
  if (wanted.empty() && !places.empty()) {
    return fail(Code::forbidden, "the last location of an image can't be removed");
  }
  if (wanted.size() > kMostLocations) {
    return fail(Code::too_large,
                "an image has at most " + std::to_string(kMostLocations) + " locations");
  }
  for (auto place = wanted.begin(); place != wanted.end(); ++place) {
    const auto again = std::find_if(std::next(place), wanted.end(), [place](const Location& other) {
      return other.location == place->location;
    });
    if (again != wanted.end()) return fail(Code::invalid, "an image has each location once");
  }
  if (who.administrator) return {};
  const bool loses = std::ranges::any_of(
      places, [&](const Location& place) { return !has(wanted, place.location); });
  if (!loses) return {};
  return fail(Code::forbidden, "only administrators may remove an image's locations");
}

/// Nobody can change what an image's data is said to be; one that has none yet takes it all.
Result<void> check_claim(const image::Image& image, const Digests& claimed) {
  if (image.state != image::DataState::present) return {};
  const bool same = std::ranges::all_of(claimed, [&image](const auto& claim) {
    const auto known = image.digests.find(claim.first);
    return known != image.digests.end() && known->second == claim.second;
  });
  if (same) return {};
  return fail(Code::conflict, "image " + image.id + " has other digests than these");
}

bool has_own(const std::vector<Copy>& copies) {
  return !std::ranges::all_of(copies, &Copy::referred);
}

bool same_place(const Copy& left, const Copy& right) {
  return left.store == right.store && left.key == right.key && left.referred == right.referred;
}

bool same_content(const Copy& left, const Copy& right) {
  return same_place(left, right) && left.rank == right.rank && left.metadata == right.metadata;
}

// Reads begin at the record under the blob's own id. Whatever had that id trades it for the
// other's.
void give_first_its_id(std::vector<Copy>& copies, const std::string& id) {
  Copy& first = copies.front();
  if (first.id == id) return;
  const auto holder = std::ranges::find(copies, id, &Copy::id);
  if (holder == copies.end()) {
    first.id = id;
  } else {
    std::swap(first.id, holder->id);
  }
}

}  // namespace

async::Task<Result<image::Image>> LocationService::change(Principal who, std::string id,
                                                          LocationEditor editor) {
  Trail trail(on_.audit, who, "image.locate");
  trail.event().image = id;
  Result<image::Image> changed = co_await change_told(who, id, editor, trail);
  if (changed) trail.tell(*changed);
  co_return co_await trail.close(std::move(changed));
}

async::Task<Result<image::Image>> LocationService::change_told(const Principal& who,
                                                               const std::string& id,
                                                               const LocationEditor& editor,
                                                               Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Standing> standing = co_await stand(id);
    if (!standing && standing.error().code == Code::precondition) continue;
    if (!standing) co_return pass(standing);
    image::Image& image = standing->image;
    if (!image::may_see(who, image)) {
      trail.hide();
      co_return image::no_such_image(id);
    }
    if (auto allowed = image::check_may_change(who, image); !allowed) co_return pass(allowed);
    if (auto ready = check_state(image); !ready) co_return pass(ready);
    std::vector<Location> places;
    for (const Copy& copy : standing->copies) places.push_back(copies_.location_of(copy));
    auto wanted = editor(image, places);
    if (!wanted) co_return pass(wanted);
    if (auto right = check_wanted(who, places, wanted->places); !right) co_return pass(right);
    if (auto claim = check_claim(image, wanted->claimed); !claim) co_return pass(claim);
    if (wanted->places.empty()) co_return std::move(image);
    Result<std::vector<Copy>> copies = co_await copies_for(who, *standing, *wanted);
    if (!copies) co_return pass(copies);
    catalogue::Batch batch;
    auto removals = settle(*standing, std::move(*copies), batch);
    if (!removals) co_return pass(removals);
    if (auto told = trail.begin(); !told) co_return pass(told);
    Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
    if (applied) {
      for (Removal& removal : *removals) {
        Result<void> removed = co_await removals_.finish(std::move(removal));
        if (removed) continue;
        log::failure(log::Level::warning, "a copy that goes has to wait for its removal",
                     removed.error(), {{"image", id}});
      }
      ++image.revision;
      co_return std::move(image);
    }
    if (applied.error().code != Code::precondition) co_return pass(applied);
  }
  co_return fail(Code::conflict,
                 "image " + id + " is being changed by others at the same time; try again");
}

/// `precondition` if somebody changed it while it was read.
async::Task<Result<LocationService::Standing>> LocationService::stand(std::string id) {
  if (!is_uuid(id)) co_return image::no_such_image(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImages, id);
  if (!record && record.error().code == Code::not_found) co_return image::no_such_image(id);
  if (!record) co_return pass(record);
  auto image = decode_image(*record);
  if (!image) co_return pass(image);
  Standing standing;
  standing.image = std::move(*image);
  if (standing.image.state != image::DataState::present) co_return standing;
  Result<catalogue::Record> blob_record = co_await on_.catalogue.get(kBlobs, standing.image.blob);
  Result<std::vector<Copy>> copies = co_await copies_.of(standing.image.blob);
  if (!blob_record || !copies) {
    Error& error = !blob_record ? blob_record.error() : copies.error();
    if (error.code == Code::not_found) error.code = Code::precondition;
    co_return std::unexpected(std::move(error));
  }
  auto blob = decode_blob(*blob_record);
  if (!blob) co_return pass(blob);
  standing.blob_record = std::move(*blob_record);
  standing.blob = std::move(*blob);
  standing.copies = std::move(*copies);
  co_return standing;
}

/// The copies for the wanted places, in their order; an image without data refers to the first one
/// by it.
async::Task<Result<std::vector<Copy>>> LocationService::copies_for(const Principal& who,
                                                                   Standing& standing,
                                                                   const WantedLocations& wanted) {
  std::vector<Copy> copies;
  for (const Location& place : wanted.places) {
    const auto known = std::ranges::find_if(standing.copies, [this, &place](const Copy& copy) {
      return copies_.location_of(copy).location == place.location;
    });
    if (known != standing.copies.end()) {
      copies.push_back(*known);
    } else {
      Result<Reference> reference = co_await look_at_reference(on_.stores, who, place.location);
      if (!reference && reference.error().code == Code::not_found) {
        reference.error().code = Code::invalid;
      }
      if (!reference) co_return pass(reference);
      if (standing.image.state != image::DataState::present) {
        image::DataFacts data;
        data.blob = random_uuid();
        data.store = reference->store;
        data.location = reference->shown;
        data.referred = true;
        data.size = reference->size;
        data.digests = wanted.claimed;
        data.entity_tag = reference->entity_tag;
        standing.blob =
            Blob{data.blob, standing.image.id, Blob::Role::original, data.size, data.digests};
        auto referred = image::refer(standing.image, std::move(data), on_.clock.now());
        if (!referred) co_return pass(referred);
      } else if (standing.image.size != reference->size) {
        co_return fail(Code::conflict, "the data at " + reference->shown + " has " +
                                           std::to_string(reference->size) +
                                           " bytes, not the image's " +
                                           std::to_string(*standing.image.size));
      }
      Copy& added = copies.emplace_back();
      added.id = random_uuid();
      added.store = reference->store;
      added.key = reference->location;
      added.referred = true;
      added.version = reference->version;
    }
    copies.back().blob = standing.blob.id;
    copies.back().metadata = place.metadata;
    copies.back().rank = copies.size() - 1;
  }
  give_first_its_id(copies, standing.blob.id);
  co_return copies;
}

Result<std::vector<Removal>> LocationService::settle(Standing& standing, std::vector<Copy> wanted,
                                                     catalogue::Batch& batch) const {
  image::Image& image = standing.image;
  const auto before = [&standing](const std::string& id) {
    return std::ranges::find(standing.copies, id, &Copy::id);
  };
  for (const Copy& copy : wanted) {
    const auto old = before(copy.id);
    const bool is_new = old == standing.copies.end();
    if (!is_new && same_content(*old, copy)) continue;
    batch.puts.push_back({encode(copy), is_new ? 0 : old->revision});
  }
  std::vector<Removal> removals;
  for (const Copy& old : standing.copies) {
    if (std::ranges::find(wanted, old.id, &Copy::id) == wanted.end()) {
      batch.removes.push_back({kCopies, old.id, old.revision});
    }
    const bool stays =
        std::ranges::any_of(wanted, [&old](const Copy& copy) { return same_place(copy, old); });
    if (stays || old.referred) continue;
    removals.push_back({old.store, old.key, 1});
    batch.puts.push_back({encode(removals.back()), 0});
  }
  // However many copies there were, the account paid for one.
  if (has_own(standing.copies) && !has_own(wanted)) {
    batch.counters.push_back({bytes_counter(image.owner),
                              -static_cast<std::int64_t>(image.size.value_or(0)), std::nullopt});
  }
  const Copy& first = wanted.front();
  const bool moved = !standing.copies.empty() && !same_place(standing.copies.front(), first);
  const bool referred = !has_own(wanted);
  if (moved || image.referred != referred) {
    auto relocated =
        image::relocate(image, first.store, copies_.location_of(first).shown, referred);
    if (!relocated) return pass(relocated);
  }
  image.updated_at = on_.clock.now();
  batch.puts.push_back({encode(standing.blob), standing.blob_record.revision});
  batch.puts.push_back(put_of(image, image.revision));
  return removals;
}

}  // namespace visor::service
