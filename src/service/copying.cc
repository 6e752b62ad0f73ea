// Copies that are made, moved, dropped and healed.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "service/placement_service.h"
#include "service/upload.h"

namespace visor::service {
namespace {

using Kind = Placement::Kind;

// How often the closing step starts again when somebody else changed the image in between.
constexpr int kAttempts = 8;

async::Task<Result<void>> check_total(std::uint64_t size, std::uint64_t total) {
  if (total <= size) co_return Result<void>{};
  co_return fail(Code::corrupt, "the data is longer than it was when it was registered");
}

std::unexpected<Error> was_removed() {
  return fail(Code::not_found, "the image was removed meanwhile");
}

std::unexpected<Error> no_copy_in(const std::string& store) {
  return fail(Code::conflict, "the image has no copy in the store " + store);
}

}  // namespace

// What is read goes by under the eyes of those who watch, until somebody cancels it.
class PlacementService::CountedSource final : public async::ByteSource {
 public:
  CountedSource(async::ByteSource& source, Live& live, const std::atomic<bool>& stopping)
      : source_(source), live_(live), stopping_(stopping) {}
  std::optional<std::uint64_t> size() const override { return source_.size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (live_.cancelled || stopping_) co_return fail(Code::cancelled, "it was cancelled");
    Result<std::size_t> count = co_await source_.read(into);
    if (count) live_.done += *count;
    co_return count;
  }

 private:
  async::ByteSource& source_;
  Live& live_;
  const std::atomic<bool>& stopping_;
};

Copy* PlacementService::Standing::copy_in(const std::string& store) {
  const auto found = std::ranges::find(copies, store, &Copy::store);
  return found == copies.end() ? nullptr : &*found;
}

Copy* PlacementService::Standing::copy_with(const std::string& id) {
  const auto found = std::ranges::find(copies, id, &Copy::id);
  return found == copies.end() ? nullptr : &*found;
}

Copy* PlacementService::Standing::whole_copy_besides(const Copy* other) {
  for (Copy& copy : copies) {
    if (&copy != other && !copy.damaged) return &copy;
  }
  return nullptr;
}

// A reference beside it does not keep the bytes that the account pays for.
bool PlacementService::Standing::can_spare(const Copy& gone) const {
  return std::ranges::any_of(copies, [&gone](const Copy& other) {
    return &other != &gone && !other.damaged && (gone.referred || !other.referred);
  });
}

async::Task<Result<PlacementService::Standing>> PlacementService::stand(
    const Placement& placement) {
  Standing standing;
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImages, placement.image);
  if (record) {
    auto image = decode_image(*record);
    if (!image) co_return pass(image);
    standing.image = std::move(*image);
  } else if (record.error().code != Code::not_found) {
    co_return pass(record);
  }
  Result<catalogue::Record> blob_record = co_await on_.catalogue.get(kBlobs, placement.blob);
  if (!blob_record) {
    if (blob_record.error().code == Code::not_found) co_return was_removed();
    co_return pass(blob_record);
  }
  auto decoded = decode_blob(*blob_record);
  if (!decoded) co_return pass(decoded);
  Result<std::vector<Copy>> copies = co_await copies_.of(placement.blob);
  if (!copies) co_return pass(copies);
  standing.blob_record = std::move(*blob_record);
  standing.blob = std::move(*decoded);
  standing.copies = std::move(*copies);
  co_return standing;
}

Result<void> PlacementService::check_possible(const Placement& placement,
                                              Standing& standing) const {
  if (placement.kind == Kind::heal) {
    const Copy* copy = standing.copy_with(placement.copy);
    if (copy == nullptr || !copy->damaged) {
      return fail(Code::conflict, "there is no damaged copy to heal any more");
    }
    if (standing.whole_copy_besides(copy) != nullptr) return {};
    return fail(Code::corrupt, "there is no whole copy to heal it from");
  }
  if (!standing.image) return was_removed();
  Copy* there = standing.copy_in(placement.store);
  switch (placement.kind) {
    case Kind::copy:
      if (there != nullptr) {
        return fail(Code::conflict,
                    "the image has a copy in the store " + placement.store + " already");
      }
      if (standing.image->referred) {
        return fail(Code::conflict,
                    "the image only refers to its data; move it into a store instead");
      }
      return {};
    case Kind::move:
      if (placement.from == placement.store) {
        return fail(Code::conflict, "the image lies in the store " + placement.store + " already");
      }
      if (standing.copy_in(placement.from) == nullptr) return no_copy_in(placement.from);
      if (there != nullptr && there->damaged) {
        return fail(Code::conflict, "the copy in the store " + placement.store +
                                        " is damaged; scrub that store first");
      }
      return {};
    default:
      if (there == nullptr) return no_copy_in(placement.store);
      if (standing.can_spare(*there)) return {};
      return fail(Code::conflict, "the copy in the store " + placement.store +
                                      " is the only whole one; it can't go");
  }
}

async::Task<Result<void>> PlacementService::relocate(Placement& placement, Live& live) {
  Result<Standing> standing = co_await stand(placement);
  if (!standing) co_return pass(standing);
  if (auto possible = check_possible(placement, *standing); !possible) co_return possible;
  std::optional<Received> received;
  const bool lies_there =
      placement.kind == Kind::move && standing->copy_in(placement.store) != nullptr;
  if (placement.kind != Kind::evict && !lies_there) {
    Result<Received> transferred = co_await transfer(placement, *standing, live);
    if (!transferred) co_return pass(transferred);
    received = std::move(*transferred);
  }
  const Received* written = received ? &*received : nullptr;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Placement done = placement;
    done.state = Placement::State::done;
    done.done = live.done;
    done.updated = on_.clock.now();
    done.key.clear();
    catalogue::Batch batch;
    Result<std::vector<Removal>> removals = co_await settle(placement, *standing, written, batch);
    if (!removals) co_return pass(removals);
    batch.puts.push_back(put_of(done));
    Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
    if (applied) {
      placement = std::move(done);
      for (Removal& removal : *removals) {
        Result<void> removed = co_await removals_.finish(std::move(removal));
        if (removed) continue;
        log::failure(log::Level::warning, "a copy that goes has to wait for its removal",
                     removed.error(), {{"image", placement.image}});
      }
      co_return Result<void>{};
    }
    if (applied.error().code != Code::precondition) co_return applied;
    standing = co_await stand(placement);
    if (!standing) co_return pass(standing);
    if (auto possible = check_possible(placement, *standing); !possible) co_return possible;
  }
  co_return fail(Code::conflict, "the image is being changed by others at the same time");
}

// The key is recorded before its first byte, as an upload's is.
async::Task<Result<Received>> PlacementService::transfer(Placement& placement, Standing& standing,
                                                         Live& live) {
  const Copy* first = standing.whole_copy_besides(nullptr);
  if (first == nullptr) co_return fail(Code::corrupt, "no copy of the data is whole");
  catalogue::Batch batch;
  const Removal before{placement.store, placement.key, 1};
  if (!before.key.empty()) batch.puts.push_back({encode(before), 0});
  placement.key = random_uuid();
  placement.size = standing.blob.size.value_or(0);
  placement.updated = on_.clock.now();
  batch.puts.push_back(put_of(placement));
  Result<void> recorded = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (!recorded) {
    placement.key = before.key;
    co_return pass(recorded);
  }
  ++placement.revision;
  if (!before.key.empty()) {
    Result<void> removed = co_await removals_.finish(before);
    if (!removed) {
      log::failure(log::Level::warning, "what an earlier run wrote has to wait for its removal",
                   removed.error(), {{"placement", placement.id}});
    }
  }

  const Wanted wanted{placement.image, placement.size, {}};
  Result<std::unique_ptr<async::ByteSource>> source = co_await copies_.open_any(*first, wanted);
  if (!source) co_return pass(source);
  CountedSource counted(**source, live, stopping_);
  co_return co_await write_copy(placement, standing, counted);
}

async::Task<Result<Received>> PlacementService::write_copy(const Placement& placement,
                                                           Standing& standing,
                                                           async::ByteSource& source) {
  store::Store* store = on_.stores.named(placement.store);
  if (store == nullptr) {
    co_return fail(Code::unavailable,
                   "the store " + placement.store + " is not configured on this server");
  }
  Result<std::unique_ptr<store::BlobWriter>> writer =
      co_await store->create(placement.key, placement.size);
  if (!writer) co_return pass(writer);
  store::BlobWriter& blob = **writer;
  const std::uint64_t size = placement.size;
  const Reserve never_more = [size](std::uint64_t total) { return check_total(size, total); };
  const auto compared = strongest(standing.blob.digests);
  const std::vector<DigestAlgorithm> algorithms =
      compared ? std::vector<DigestAlgorithm>{*compared} : digests_;
  const UploadPass pass_through{source, blob, algorithms, digest_queue_, on_.slices, never_more};
  Result<Received> received = co_await receive(pass_through);
  Result<void> whole;
  if (!received) {
    whole = pass(received);
  } else if (received->size != size) {
    whole = fail(Code::corrupt, "the data is shorter than it was when it was registered");
  } else if (compared && received->digests.at(*compared) != standing.blob.digests.at(*compared)) {
    whole = fail(Code::corrupt,
                 "the copy that was read is damaged: it does not have the image's digest; scrub "
                 "the stores it lies in");
  }
  if (!whole) {
    co_await blob.abort();
    co_return pass(whole);
  }
  Result<void> committed = co_await blob.commit(size);
  if (!committed) co_return pass(committed);
  co_return received;
}

// What changes when the bytes are where they shall be: one batch.
async::Task<Result<std::vector<Removal>>> PlacementService::settle(const Placement& placement,
                                                                   Standing& standing,
                                                                   const Received* received,
                                                                   catalogue::Batch& batch) {
  std::vector<Removal> removals;
  Result<void> settled;
  const bool moves = placement.kind == Kind::move;
  const bool lies_there = moves && standing.copy_in(placement.store) != nullptr;
  if (moves && received == nullptr && !lies_there) {
    co_return fail(Code::conflict, "the copy in the store " + placement.store +
                                       " went while the image was being moved there; try again");
  }
  if (received == nullptr || lies_there) {
    Copy* copy = standing.copy_in(moves ? placement.from : placement.store);
    settled = evict(standing, *copy, batch, removals);
    // Of a run that a crash cut off, or of this one if somebody else made a copy there meanwhile.
    if (!placement.key.empty()) removals.push_back({placement.store, placement.key, 1});
  } else if (placement.kind == Kind::copy) {
    const Copy made{random_uuid(),
                    standing.blob.id,
                    placement.store,
                    placement.key,
                    false,
                    {},
                    /*damaged=*/false,
                    0};
    batch.puts.push_back({encode(made), 0});
  } else {
    const Received& bytes = *received;
    settled = co_await move_record(placement, standing, bytes, batch, removals);
  }
  if (!settled) co_return pass(settled);
  for (const Removal& removal : removals) batch.puts.push_back({encode(removal), 0});
  batch.puts.push_back({encode(standing.blob), standing.blob_record.revision});
  co_return removals;
}

// A copy lies where the new bytes are from now on. What was only referred to becomes the account's.
async::Task<Result<void>> PlacementService::move_record(const Placement& placement,
                                                        Standing& standing,
                                                        const Received& received,
                                                        catalogue::Batch& batch,
                                                        std::vector<Removal>& removals) {
  Copy moved = placement.kind == Kind::heal ? *standing.copy_with(placement.copy)
                                            : *standing.copy_in(placement.from);
  if (!moved.referred) {
    removals.push_back({moved.store, moved.key, 1});
  } else if (standing.image->referred) {
    image::Image& image = *standing.image;
    Result<Quota> quota = co_await on_.quotas.of(image.owner);
    if (!quota) co_return pass(quota);
    std::optional<std::int64_t> limit;
    if (quota->bytes) {
      limit = static_cast<std::int64_t>(std::min<std::uint64_t>(*quota->bytes, INT64_MAX));
    }
    batch.counters.push_back(
        {bytes_counter(image.owner), static_cast<std::int64_t>(received.size), limit});
    standing.blob.digests = image.digests = received.digests;
    if (image.format.empty()) image.format = received.detected_format;
  }
  moved.store = placement.store;
  moved.key = placement.key;
  moved.referred = moved.damaged = false;
  moved.version.clear();
  batch.puts.push_back({encode(moved), moved.revision});
  const bool first = moved.id == standing.blob.id;
  if (!first && !standing.image->referred) co_return Result<void>{};
  const Copy& shown = first ? moved : standing.copies.front();
  co_return put_image_at(standing, shown, /*referred=*/false, batch);
}

// The record under the blob's own id never goes: another copy takes it over.
Result<void> PlacementService::evict(Standing& standing, Copy& copy, catalogue::Batch& batch,
                                     std::vector<Removal>& removals) {
  if (!copy.referred) removals.push_back({copy.store, copy.key, 1});
  if (copy.id != standing.blob.id) {
    batch.removes.push_back({kCopies, copy.id, copy.revision});
    return {};
  }
  Copy* heir = standing.whole_copy_besides(&copy);
  if (heir == nullptr) return fail(Code::corrupt, "no other copy of the data is whole");
  batch.removes.push_back({kCopies, heir->id, heir->revision});
  Copy first = *heir;
  first.id = copy.id;
  batch.puts.push_back({encode(first), copy.revision});
  const bool referred = std::ranges::none_of(
      standing.copies, [&copy](const Copy& other) { return &other != &copy && !other.referred; });
  return put_image_at(standing, first, referred, batch);
}

Result<void> PlacementService::put_image_at(Standing& standing, const Copy& copy, bool referred,
                                            catalogue::Batch& batch) {
  // One that was put aside is told where its data lies when it comes back.
  if (!standing.image) return {};
  const store::Store* store = copies_.store_of(copy);
  if (store == nullptr) {
    return fail(Code::unavailable, "the store " + copy.store + " is not configured on this server");
  }
  image::Image image = *standing.image;
  auto moved = image::relocate(image, copy.store, store->location(copy.key), referred);
  if (!moved) return moved;
  batch.puts.push_back(put_of(image, image.revision));
  return {};
}

}  // namespace visor::service
